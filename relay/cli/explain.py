"""``explain``: judge stored messages and say why; starts quickly, and reads a body only to verify a signature."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from relay.channels import ChannelBook
from relay.cli import exits
from relay.cli.app import config_option, config_path
from relay.cli.objects import object_line
from relay.cli.options import ip, mailboxes
from relay.cli.proving import Proving
from relay.judge import Verdict
from relay.judge.answer import answer
from relay.judge.explain import Language
from relay.mail.address import Mailbox
from relay.mail.content import Content
from relay.mail.text import unicode_text, visible
from relay.mail.trace import Given
from relay.replay.judging import view_of
from relay.replay.stored import StoredMessage, from_stream
from relay.settings.model import Settings
from relay.stamp import StampRules, stamp


@click.command(name="explain")
@config_option
@click.option("--mail-from", metavar="A", help="The reverse-path of the transaction.")
@click.option(
    "--rcpt-to",
    metavar="A",
    multiple=True,
    callback=mailboxes,
    help="A forward-path; may be given several times.",
)
@click.option(
    "--client-ip", metavar="IP", callback=ip, help="The address of the client that handed the message in."
)
@click.option("--auth-user", metavar="U", help="The SMTP AUTH identity.")
@click.option(
    "--id", "name", metavar="ID", help="A decision in the journal, by its queue id, number or Message-ID."
)
@click.option(
    "--lang", type=click.Choice([language.value for language in Language]), default="en", help="en or de."
)
@click.option(
    "--expect", type=click.Choice(["open", "auto-closed"]), help="Exit with 1 if a verdict is another one."
)
@click.option("--offline", is_flag=True, help="Never ask DNS.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.argument("files", metavar="FILE...|-", nargs=-1)
def command(
    config: str | None,
    mail_from: str | None,
    rcpt_to: tuple[Mailbox, ...],
    client_ip: object,
    auth_user: str | None,
    name: str | None,
    lang: str,
    expect: str | None,
    offline: bool,
    as_json: bool,
    files: Sequence[str],
) -> int:
    """Judge messages, say why, and how to have it otherwise.  FILE is a stored message; - reads one from stdin."""
    from relay.service.stamping import stamp_rules_of
    from relay.settings.parse import read_settings

    given = Given(mail_from, rcpt_to, client_ip, auth_user)  # type: ignore[arg-type]
    _check_usage(name, files, given)
    settings = read_settings(config_path(config), os.environ)
    explainer = _Explainer(settings.book(), stamp_rules_of(settings), given, Language(lang), as_json, expect)
    if name is None:
        with Proving(offline=offline) as proving:
            return explainer.files(files, proving)
    from relay.service.keys import web_key

    explainer = replace(explainer, rules=stamp_rules_of(settings, web_key(settings)))
    return explainer.decisions(settings, name)


def _check_usage(name: str | None, files: Sequence[str], given: Given) -> None:
    if name is None and not files:
        raise click.UsageError(
            "name a FILE, - for the standard input, or with --id a decision in the journal"
        )
    if name is not None and (files or given != Given()):
        raise click.UsageError(
            "--id tells what was decided, so it goes with no FILE and with nothing that is said of a transaction"
        )


@dataclass(frozen=True, slots=True)
class _Explainer:
    book: ChannelBook
    rules: StampRules
    given: Given
    language: Language
    as_json: bool
    expect: str | None

    def files(self, files: Sequence[str], proving: Proving) -> int:
        """Explain stored messages; return what to exit with."""
        code = exits.DONE
        for number, file in enumerate(files):
            try:
                verdict = self._judged(file, proving)
            except OSError as error:
                self.cannot_open(file, error.strerror or type(error).__name__)
                code = exits.NO_INPUT
                continue
            if not self.as_json and number:
                click.echo()
            self.tell(file, verdict)
            if self._missed(verdict) and code == exits.DONE:
                code = exits.NO
        return code

    def decisions(self, settings: Settings, name: str) -> int:
        """Explain what the journal knows by that name; return what to exit with."""
        from relay.cli.decided import decided, decision_lines, decision_object

        entries = decided(settings, name)
        if not entries:
            click.echo(
                f"helpdesk-relay: nothing in the journal is called {visible(unicode_text(name))}", err=True
            )
            return exits.NO
        for number, entry in enumerate(entries):
            if self.as_json:
                click.echo(object_line(decision_object(entry, self.rules, self.language)))
                continue
            if number:
                click.echo()
            for line in decision_lines(entry, self.rules, self.language):
                click.echo(line)
        return exits.NO if any(self._missed(entry.verdict) for entry in entries) else exits.DONE

    def _missed(self, verdict: Verdict) -> bool:
        return self.expect not in (None, verdict.disposition.value)

    def tell(self, file: str, verdict: Verdict) -> None:
        """Print the answer."""
        stamped = stamp(verdict, self.rules).lines
        if self.as_json:
            told = {"file": unicode_text(file), **answer(verdict, stamped, self.language)}
            click.echo(object_line(told))
        else:
            for line in _lines(file, verdict, stamped, self.language):
                click.echo(line)

    def cannot_open(self, file: str, why: str) -> None:
        """Say that a file cannot be opened."""
        if self.as_json:
            click.echo(object_line({"file": unicode_text(file), "error": f"cannot be opened: {why}"}))
        else:
            click.echo(f"{visible(file)}: error: cannot be opened: {why}", err=True)

    def _judged(self, file: str, proving: Proving) -> Verdict:
        """Judge one message; OSError where it cannot be read."""
        limit = self.book.header_size
        whole = bool(self.book.platform.dkim_domains) and not proving.offline
        stored: Content
        path = Path(file)
        if file == "-":
            stored = from_stream(sys.stdin.buffer, limit, whole=whole)
        elif path.is_file():
            stored = StoredMessage(path, limit)
        else:
            with path.open("rb") as pipe:  # which can be read once
                stored = from_stream(pipe, limit, whole=whole)
        view = view_of(stored.head, self.given, limit, _fault)
        return proving.verdict(view, stored, self.book, _fault)


def _fault(error: Exception) -> None:
    click.echo(f"helpdesk-relay: a fault of ours while judging ({type(error).__name__})", err=True)


def _lines(file: str, verdict: Verdict, stamped: list[str], language: Language) -> Iterator[str]:
    from relay.cli.words import told

    yield from told(file, verdict, stamped, language)
