"""``journal show``: one decision with everything that is known of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from relay.cli import exits
from relay.cli.app import config_option
from relay.cli.journal.opening import with_journal
from relay.cli.objects import object_line
from relay.cli.words import told
from relay.journal.entry import Entry, PathEntry
from relay.journal.query import COMMAND_LINE, Look
from relay.journal.store import Journal
from relay.journal.values import decision_values, look_values, stamp_lines
from relay.judge.explain import Language
from relay.mail.text import unicode_text, visible
from relay.service.keys import web_key
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Settings


@click.command(name="show")
@click.argument("name", metavar="ID")
@config_option
@click.option(
    "--lang", type=click.Choice([language.value for language in Language]), default="en", help="en or de."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(name: str, config: str | None, lang: str, as_json: bool) -> int:
    """Show one decision; ID is its id, a queue id, a number or a Message-ID."""

    async def go(journal: Journal, settings: Settings) -> int:
        entries = await journal.get(name)
        rules = stamp_rules_of(settings, web_key(settings))
        for number, entry in enumerate(entries):
            stamped = stamp_lines(entry, rules)
            looks = await journal.looks(entry.ref)
            if as_json:
                same = await journal.same_message(entry.message_id)
                values = decision_values(entry, stamped, same, Language(lang))
                click.echo(object_line({**values, "looks": look_values(looks)}))
            else:
                if number:
                    click.echo()
                for line in (
                    *told(entry.ref, entry.verdict, stamped, Language(lang)),
                    *besides(entry),
                    *map(_look, looks),
                ):
                    click.echo(line)
            await journal.look(entry.ref, COMMAND_LINE, datetime.now(UTC))
        if not entries:
            click.echo(
                f"helpdesk-relay: nothing in the journal is called {visible(unicode_text(name))}", err=True
            )
        return exits.DONE if entries else exits.NO

    return with_journal(config, go)


def besides(entry: Entry) -> Iterator[str]:
    """Yield what an entry knows besides its verdict."""
    facts = {
        "at": entry.at.isoformat(sep=" ", timespec="seconds"),
        "message-id": entry.message_id,
        "subject": entry.subject or "",
        "queue id": entry.queue_id,
        "client": f"{entry.view.client.address or 'local'} {entry.view.client.helo}".strip(),
        "mail from": f"<{entry.reverse_path}>",
        "tool": f"{entry.tool} (a hint that anybody can write)" if entry.tool else "",
        "answer": entry.reply,
        "not signed": f"{', '.join(entry.broken_signatures)}: stripped although a signature covers it"
        if entry.broken_signatures
        else "",
        "reopened": f"{entry.reopened.at.isoformat(sep=' ', timespec='seconds')} by {entry.reopened.who}"
        if entry.reopened
        else "",
    }
    for label, fact in facts.items():
        if fact:
            yield visible(unicode_text(f"  {label:<10}  {fact}"))
    for path in entry.paths:
        yield visible(unicode_text(f"  rcpt to     {_path(path)}"))


def _look(look: Look) -> str:
    who = visible(unicode_text(look.who))
    return f"  looked at   {look.at.isoformat(sep=' ', timespec='seconds')} by {who}"


def _path(path: PathEntry) -> str:
    became = f" as <{path.told}>" if path.told is not None else ""
    return f"<{path.path}>{became}: {path.state}{f', {path.words}' if path.words else ''}"
