"""``explain``: judge stored messages and say why; starts quickly, and reads no more than header sections."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import IO

import click

from relay.channels import ChannelBook
from relay.cli import exits
from relay.cli.app import config_option, config_path
from relay.judge import Verdict, judge
from relay.judge.answer import answer
from relay.judge.explain import Language
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import Client, Known, plain_address
from relay.mail.text import unicode_text, visible
from relay.mail.trace import Given, stored_view
from relay.mail.view import OUR_FAULT, unread_view
from relay.stamp import StampRules, stamp

_CHUNK = 64 * 1024
_BLANK_LINE = re.compile(rb"\A\r?\n|\n\r?\n")


def _mailbox(ctx: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[Mailbox, ...]:
    parsed = {value: parse_mailbox(value.strip().removeprefix("<").removesuffix(">")) for value in values}
    for value, mailbox in parsed.items():
        if mailbox is None:
            raise click.BadParameter(f"{value} is no address; write one such as support@company.com", ctx)
    return tuple(mailbox for mailbox in parsed.values() if mailbox)


def _ip(ctx: click.Context, _: click.Parameter, value: str | None) -> object:
    if value is None:
        return None
    try:
        return plain_address(ip_address(value.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        raise click.BadParameter(f"{value} is no IP address; write one such as 192.0.2.1", ctx) from None


@click.command(name="explain")
@config_option
@click.option("--mail-from", metavar="A", help="The reverse-path of the transaction.")
@click.option(
    "--rcpt-to",
    metavar="A",
    multiple=True,
    callback=_mailbox,
    help="A forward-path; may be given several times.",
)
@click.option(
    "--client-ip", metavar="IP", callback=_ip, help="The address of the client that handed the message in."
)
@click.option("--auth-user", metavar="U", help="The SMTP AUTH identity.")
@click.option(
    "--lang", type=click.Choice([language.value for language in Language]), default="en", help="en or de."
)
@click.option(
    "--expect", type=click.Choice(["open", "auto-closed"]), help="Exit with 1 if a verdict is another one."
)
@click.option("--offline", is_flag=True, help="Never ask DNS.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.argument("files", metavar="FILE...|-", nargs=-1, required=True)
def command(
    config: str | None,
    mail_from: str | None,
    rcpt_to: tuple[Mailbox, ...],
    client_ip: object,
    auth_user: str | None,
    lang: str,
    expect: str | None,
    offline: bool,  # noqa: ARG001 - nothing here asks DNS
    as_json: bool,
    files: Sequence[str],
) -> int:
    """Judge messages, say why, and how to have it otherwise.  FILE is a stored message; - reads one from stdin."""
    from relay.service.stamping import stamp_rules_of
    from relay.settings.parse import read_settings

    settings = read_settings(config_path(config), os.environ)
    given = Given(mail_from, rcpt_to, client_ip, auth_user)  # type: ignore[arg-type]
    explainer = _Explainer(settings.book(), stamp_rules_of(settings), given, Language(lang), as_json)
    code = exits.DONE
    for number, file in enumerate(files):
        try:
            head = _read_head(file, explainer.book.header_size)
        except OSError as error:
            explainer.cannot_open(file, error.strerror or type(error).__name__)
            code = exits.NO_INPUT
            continue
        if not as_json and number:
            click.echo()
        verdict = explainer.explain(file, head)
        if expect not in (None, verdict.disposition.value) and code == exits.DONE:
            code = exits.NO
    return code


@dataclass(frozen=True, slots=True)
class _Explainer:
    book: ChannelBook
    rules: StampRules
    given: Given
    language: Language
    as_json: bool

    def explain(self, file: str, head: bytes) -> Verdict:
        """Judge one message and print the answer."""
        verdict = self._judged(head)
        stamped = [f"{name}: {value}" for name, value in stamp(verdict, self.rules).inserted]
        if self.as_json:
            told = {"file": unicode_text(file), **answer(verdict, stamped, self.language)}
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            for line in _lines(file, verdict, stamped, self.language):
                click.echo(line)
        return verdict

    def cannot_open(self, file: str, why: str) -> None:
        """Say that a file cannot be opened."""
        if self.as_json:
            click.echo(
                json.dumps(
                    {"file": unicode_text(file), "error": f"cannot be opened: {why}"}, ensure_ascii=False
                )
            )
        else:
            click.echo(f"{visible(file)}: error: cannot be opened: {why}", err=True)

    def _judged(self, head: bytes) -> Verdict:
        try:
            return judge(stored_view(head, self.given, limit=self.book.header_size), self.book)
        except Exception as error:  # a supervisor: what we cannot judge stays open
            click.echo(f"helpdesk-relay: a fault of ours while judging ({type(error).__name__})", err=True)
            return judge(unread_view(OUR_FAULT, (), Client(), Known()), self.book)


def _read_head(file: str, limit: int) -> bytes:
    """Return the octets up to the empty line, or a little more than ``limit`` (0: none)."""
    if file == "-":
        head = _head_of(sys.stdin.buffer, limit)
        while sys.stdin.buffer.read(_CHUNK):
            pass
        return head
    with Path(file).open("rb") as stored:
        return _head_of(stored, limit)


def _head_of(stored: IO[bytes], limit: int) -> bytes:
    octets = bytearray()
    while chunk := stored.read(_CHUNK):
        searched = max(0, len(octets) - 3)
        octets += chunk
        if _BLANK_LINE.search(octets, searched) or (limit and len(octets) > limit):
            break
    return bytes(octets)


def _lines(file: str, verdict: Verdict, stamped: list[str], language: Language) -> Iterator[str]:
    from relay.cli.words import told

    yield from told(file, verdict, stamped, language)
