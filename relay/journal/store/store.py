"""The journal: entries are written in batches, found again, counted, pruned and forgotten.

Raises NotDurableError where something could not be written, UnavailableError where something could not be read;
both may go well the next time, without a restart.  For one event loop; the database works in threads.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from typing import Self

from relay.channels import ChannelBook
from relay.journal.entry import Entry, PathEntry
from relay.journal.query import Count, Look, Query, Size
from relay.journal.store.place import JournalPlace


class Journal:
    """The journal of one process."""

    @classmethod
    async def open(cls, place: JournalPlace, *, may_upgrade: bool = True) -> Self:
        """Open the journal, made or upgraded where that is needed and ``may_upgrade``.

        UnavailableError where it cannot be had now, NewerSchemaError where a newer version of us made it.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Finish what is being written and close everything."""
        raise NotImplementedError

    async def add(self, entries: Sequence[tuple[Entry, ChannelBook]]) -> None:
        """Write entries, in one transaction, and count them; the book tells who is no outsider where addresses are hashed."""
        raise NotImplementedError

    async def add_paths(self, queue_id: str, paths: Sequence[PathEntry]) -> None:
        """Note what became of forward-paths after their client was answered."""
        raise NotImplementedError

    async def find(self, query: Query, *, most: int, before: int | None = None) -> tuple[Entry, ...]:
        """Return up to ``most`` entries that are meant, newest first, below the number ``before``."""
        raise NotImplementedError

    def entries(self, query: Query) -> AsyncIterator[Entry]:
        """Yield all entries that are meant, oldest first, in bounded memory."""
        raise NotImplementedError

    async def get(self, name: str) -> tuple[Entry, ...]:
        """Return the entries with this reference, queue id, number or Message-ID, newest first (100 at most)."""
        raise NotImplementedError

    async def same_message(self, message_id: str) -> tuple[Entry, ...]:
        """Return the entries of one Message-ID, oldest first (100 at most)."""
        raise NotImplementedError

    async def counts(self, first: date, last: date) -> tuple[Count, ...]:
        """Return the counts of the days from ``first`` to ``last``, both included."""
        raise NotImplementedError

    async def size(self) -> Size:
        """Return how large the journal is."""
        raise NotImplementedError

    async def prune(self, keep: timedelta, max_size: int, now: datetime) -> int:
        """Remove entries older than ``keep`` (0: none) and the oldest until ``max_size`` octets (0: no limit) hold; return how many."""
        raise NotImplementedError

    async def forget(self, address: str) -> tuple[str, ...]:
        """Remove every entry that names ``address``, and its traces on disk; return their queue ids."""
        raise NotImplementedError

    async def look(self, ref: str, who: str, at: datetime) -> None:
        """Note that somebody looked at an entry."""
        raise NotImplementedError

    async def looks(self, ref: str) -> tuple[Look, ...]:
        """Return who looked at an entry, oldest first."""
        raise NotImplementedError

    async def reopen(self, ref: str, who: str, at: datetime) -> bool:
        """Mark an entry as reopened; False, and nothing done, if it is already (or is not there)."""
        raise NotImplementedError
