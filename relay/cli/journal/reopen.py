"""``journal reopen``: the helpdesk is told to open a ticket again that was closed (docs/undo.md)."""

import socket
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from relay.cli import exits
from relay.cli.app import config_option
from relay.cli.journal.opening import spool_beside, with_journal
from relay.cli.objects import object_line
from relay.journal.entry import Entry
from relay.journal.query import COMMAND_LINE
from relay.journal.store import Journal
from relay.mail.text import unicode_text, visible
from relay.settings.model import Settings
from relay.web.sources import REOPENED, Reopened


@click.command(name="reopen")
@click.argument("name", metavar="ID")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(name: str, config: str | None, as_json: bool) -> int:
    """Tell the helpdesk, once, to open a closed ticket again; ID is an id, a queue id, a number or a Message-ID."""

    async def go(journal: Journal, settings: Settings) -> int:
        ref = _the_one(name, await journal.get(name))
        answer = await _reopened(ref, journal, settings)
        _tell(ref, answer, await journal.get(ref), as_json=as_json)
        return exits.DONE if answer is Reopened.DONE else exits.NO

    return with_journal(config, go)


def _the_one(name: str, entries: Sequence[Entry]) -> str:
    """Return the reference that is meant: of several entries of a name, the one that was closed."""
    refs = [entry.ref for entry in entries]
    closed = [entry.ref for entry in entries if entry.verdict.auto_closed]
    if name in refs or not refs:
        return name
    if len(closed) > 1:
        raise click.UsageError(f"{len(closed)} closed messages are called so; say which: {', '.join(closed)}")
    return (closed or refs)[0]


async def _reopened(ref: str, journal: Journal, settings: Settings) -> Reopened:
    from relay.service.reopening import Reopen

    def told(event: object) -> None:
        click.echo(f"helpdesk-relay: {visible(str(getattr(event, 'words', event)))}", err=True)

    async with spool_beside(settings) as spool:
        reopen = Reopen(
            lambda: settings,
            lambda: journal,
            lambda: spool,
            lambda: settings.hostname or socket.getfqdn(),
            _now,
            told,
        )
        return await reopen(ref, COMMAND_LINE)


def _tell(ref: str, answer: Reopened, entries: Sequence[Entry], *, as_json: bool) -> None:
    noted = next((entry.reopened for entry in entries if entry.ref == ref and entry.reopened), None)
    if as_json:
        said = {"at": noted.at.isoformat(), "who": unicode_text(noted.who)} if noted else None
        click.echo(object_line({"ref": unicode_text(ref), "answer": answer.value, "reopened": said}))
        return
    when = f", at {noted.at.isoformat(sep=' ', timespec='seconds')} by {noted.who}" if noted else ""
    sentence = visible(unicode_text(REOPENED[answer].format(ref=ref, when=when)))
    if answer is Reopened.DONE:
        click.echo(sentence)
    else:
        click.echo(f"helpdesk-relay: {sentence}", err=True)


def _now() -> datetime:
    return datetime.now(UTC).astimezone()
