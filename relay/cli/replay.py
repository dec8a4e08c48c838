"""``replay``: judge stored mail or the journal again, and say what another channels.yaml would change."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from relay.channels import ChannelBook
from relay.cli import exits
from relay.cli.app import config_path
from relay.cli.journal.opening import filtered, opened, query_of
from relay.cli.options import mailboxes
from relay.cli.progress import progress
from relay.cli.replayed import Report
from relay.errors import NotAnArchiveError, UnreadableFileError
from relay.journal.query import Query
from relay.mail.address import Mailbox
from relay.mail.text import visible
from relay.mail.trace import Given
from relay.replay.again import Restore, archived, journaled
from relay.replay.archive import Archive, open_archive
from relay.replay.folder import Unread
from relay.settings.model import Settings


@click.command(name="replay")
@click.option("--against", metavar="FILE", help="Another channels.yaml; list what would change with it.")
@click.option(
    "--rcpt-to", metavar="A", multiple=True, callback=mailboxes, help="All mail in PATH arrived for A."
)
@click.option("--journal", "from_journal", is_flag=True, help="What the journal remembers, instead of PATH.")
@filtered
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@click.argument("paths", metavar="PATH...", nargs=-1)
def command(
    config: str | None,
    against: str | None,
    rcpt_to: tuple[Mailbox, ...],
    from_journal: bool,
    as_json: bool,
    paths: Sequence[str],
    **filters: Any,
) -> int:
    """Judge stored mail again.  PATH is an mbox, a Maildir, a folder with .eml files, or a message."""
    from relay.service.stamping import stamp_rules_of
    from relay.settings.parse import read_settings

    query = query_of(filters)
    if from_journal is bool(paths):
        raise click.UsageError("name either one PATH and more, or --journal")
    if rcpt_to and from_journal:
        raise click.UsageError("--rcpt-to goes with PATH; the journal knows for whom mail arrived")
    if query != Query() and not from_journal:
        raise click.UsageError("--since and its like choose among what the journal remembers; say --journal")
    settings = read_settings(config_path(config), os.environ)
    other = read_settings(Path(against), os.environ).book() if against is not None else None
    report = Report(stamp_rules_of(settings), as_json=as_json, changes_only=other is not None)
    replay = _Replay(settings.book(), other, Given(forward_paths=rcpt_to), report)
    if from_journal:
        asyncio.run(replay.journal(settings, query))
    for path in paths:
        replay.path(path)
    report.end()
    return replay.code


@dataclass(slots=True)
class _Replay:
    """Judges one archive after the other, or the journal."""

    book: ChannelBook
    against: ChannelBook | None
    given: Given
    report: Report
    _failed: int = exits.DONE
    _faults: set[str] = field(default_factory=set)

    @property
    def code(self) -> int:
        """What to exit with; what could not be read counts for more than what would change."""
        return self._failed or (exits.NO if self.report.any_would_change else exits.DONE)

    def path(self, path: str) -> None:
        """Judge everything in an archive; what is none is told, and the next one comes."""
        try:
            with open_archive(path) as archive:
                self._archive(path, archive)
        except UnreadableFileError as error:
            self._tell(str(error), exits.NO_INPUT)
        except NotAnArchiveError as error:
            self._tell(str(error), exits.NOT_AN_ARCHIVE)

    def _archive(self, path: str, archive: Archive) -> None:
        with progress(path, archive.total) as advance:
            judged = archived(archive, self.given, self.book, self.against, self._fault)
            for number, each in enumerate(judged, 1):
                if isinstance(each, Unread):
                    self._tell(f"{visible(each.name)} {each.why}", exits.NO_INPUT)
                else:
                    self.report.add(each)
                advance(archive.done, number)

    async def journal(self, settings: Settings, query: Query) -> None:
        """Judge what the journal remembers; UnavailableError where it cannot be read."""
        book = self.against or self.book
        async with opened(settings) as journal:
            everything = (await journal.size()).entries
            judged = journaled(journal.entries(query), book, _restore(settings, book), self._fault)
            with progress("journal", lambda: everything if query == Query() else None) as advance:
                number = 0
                async for each in judged:
                    number += 1
                    self.report.add(each)
                    advance(number, number)

    def _tell(self, sentence: str, code: int) -> None:
        click.echo(f"helpdesk-relay: {sentence}", err=True)
        self._failed = self._failed or code

    def _fault(self, error: Exception) -> None:
        """Tell a fault of ours, each kind once."""
        if (name := type(error).__name__) not in self._faults:
            self._faults.add(name)
            click.echo(
                f"helpdesk-relay: a fault of ours while judging ({name}); such mail stays open", err=True
            )


def _restore(settings: Settings, book: ChannelBook) -> Restore:
    """Return what makes the addresses of ``book`` readable again, where they were outsiders' and kept hashed."""
    from relay.journal.hashing import hashed, restored_by
    from relay.service.journal import journal_place

    key = journal_place(settings).key
    known = {hashed(address, key): address for address in book.addresses}
    return lambda view: restored_by(view, known)
