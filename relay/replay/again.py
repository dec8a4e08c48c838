"""Archives and the journal judged again, message by message; as many as there are, none is kept."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from relay.channels import ChannelBook
from relay.journal.entry import Entry
from relay.judge import Verdict
from relay.mail.fields import text_of, unfold
from relay.mail.trace import Given
from relay.mail.view import MessageView
from relay.replay.archive import Archive
from relay.replay.folder import Unread
from relay.replay.judging import Fault, limit_for, verdict_of, view_of

Restore = Callable[[MessageView], MessageView]
"""Makes the addresses of the book that judges readable again where the journal keeps them hashed."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message, judged again."""

    name: str
    """Where it is: in which file, or by which reference in the journal."""
    message_id: str
    """Without angle brackets."""
    verdict: Verdict
    was: Verdict | None
    """What it is compared with: the verdict then, or of the book in force; None: nothing."""
    at: datetime | None = None
    """When it was judged first; None for stored mail."""


def archived(
    archive: Archive,
    given: Given,
    book: ChannelBook,
    against: ChannelBook | None,
    fault: Fault,
) -> Iterator[Replayed | Unread]:
    """Judge an archive by ``book``, or by ``against`` to be compared with ``book``."""
    limit = limit_for(book, against)
    for stored in archive.messages(limit):
        if isinstance(stored, Unread):
            yield stored
            continue
        view = view_of(stored.head, given, limit, fault)
        verdict = verdict_of(view, book, fault)
        name = text_of(unfold(view.label.message_id)).removeprefix("<").removesuffix(">")
        if against is None:
            yield Replayed(stored.name, name, verdict, None)
        else:
            yield Replayed(stored.name, name, verdict_of(view, against, fault), verdict)


async def journaled(
    entries: AsyncIterator[Entry], book: ChannelBook, restore: Restore, fault: Fault
) -> AsyncIterator[Replayed]:
    """Judge entries of the journal by ``book``, to be compared with what was decided then."""
    async for entry in entries:
        verdict = verdict_of(restore(entry.view), book, fault)
        yield Replayed(entry.ref, entry.message_id, verdict, entry.verdict, entry.at)
