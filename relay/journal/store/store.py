"""The journal: entries are written in batches, found again, counted, pruned and forgotten.

Raises NotDurableError where something could not be written, UnavailableError where something could not be read;
both may go well the next time, without a restart.  For one event loop; the database works in threads.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from typing import Self

from relay.channels import ChannelBook
from relay.database.columns import to_number
from relay.database.database import Database, open_database
from relay.errors import UnavailableError
from relay.journal.entry import Entry, Later
from relay.journal.hashing import hashed
from relay.journal.query import Count, Look, Observed, Query, Size
from relay.journal.store import asking, counting, removing, writing
from relay.journal.store.asking import Asking
from relay.journal.store.place import JournalPlace
from relay.journal.store.writing import Writing
from relay.mail.address import Mailbox

_PAGE = 500
_LEFT_BY_PRUNING = 0.95
"""Of the largest size, so that not every entry costs another one."""


class Journal:
    """The journal of one process."""

    def __init__(self, database: Database, place: JournalPlace) -> None:
        """Use ``Journal.open``."""
        self._database = database
        self._place = place
        self._writing = Writing(place)
        self._asking = Asking(place)

    @classmethod
    async def open(cls, place: JournalPlace, *, may_upgrade: bool = True) -> Self:
        """Open the journal, made or upgraded where that is needed and ``may_upgrade``.

        UnavailableError where it cannot be had now, NewerSchemaError where a newer version of us made it.
        """
        return cls(await asyncio.to_thread(_opened, place, may_upgrade=may_upgrade), place)

    async def close(self) -> None:
        """Finish what is being written and close everything."""
        await asyncio.to_thread(self._database.close)

    async def add(self, entries: Sequence[tuple[Entry, ChannelBook]]) -> None:
        """Write entries in one transaction, and count them; the book tells who is an outsider, where those are hashed."""
        await self._database.do(self._writing.add, entries)

    async def add_paths(self, later: Sequence[Later], book: ChannelBook) -> None:
        """Note what became of forward-paths after their client was answered; the last word on each stays."""
        await self._database.do(self._writing.add_paths, (later, book))

    async def find(self, query: Query, *, most: int, before: int | None = None) -> tuple[Entry, ...]:
        """Return up to ``most`` entries that are meant, newest first, below the number ``before``."""
        return await self._database.read(
            lambda connection: self._asking.find(connection, query, most, before)
        )

    async def entries(self, query: Query) -> AsyncIterator[Entry]:
        """Yield all entries that are meant, oldest first, in bounded memory."""
        after, more = 0, True
        while more:
            begin = after
            page = await self._database.read(
                lambda connection, begin=begin: self._asking.page(connection, query, begin, _PAGE)  # type: ignore[misc]
            )
            for entry in page:
                yield entry
                after = entry.number
            more = len(page) == _PAGE

    async def get(self, name: str) -> tuple[Entry, ...]:
        """Return the entries with this reference, queue id, number or Message-ID, newest first (100 at most)."""
        return await self._database.read(lambda connection: self._asking.get(connection, name))

    async def same_message(self, message_id: str) -> tuple[Entry, ...]:
        """Return the entries of one Message-ID, oldest first (100 at most); none for an empty one."""
        return await self._database.read(lambda connection: self._asking.same_message(connection, message_id))

    async def counts(self, first: date, last: date, most: int) -> tuple[Count, ...]:
        """Return the counts of the days from ``first`` to ``last``, both included.

        Those of the ``most`` busiest channels stand each by itself, the others together under ``OTHERS``.
        """
        return await self._database.read(lambda connection: counting.counts(connection, first, last, most))

    async def observed(self, first: date, last: date) -> tuple[Observed, ...]:
        """Return what each channel would have closed that only observed on these days, the most first."""
        return await self._database.read(lambda connection: counting.observed(connection, first, last))

    async def size(self) -> Size:
        """Return how large the journal is."""
        return await self._database.read(asking.size)

    async def prune(self, keep: timedelta, max_size: int, now: datetime) -> int:
        """Remove what is older than ``keep`` (0: nothing), then the oldest above ``max_size`` octets (0: no limit).

        Returns how many entries went.
        """
        removed = 0
        if keep:
            first = now - keep
            aged = removing.Aged(to_number(first), first.astimezone().date().isoformat())
            while gone := await self._database.do(removing.prune_aged, aged):
                removed += gone
        if max_size:
            removed += await self._prune_to(max_size)
        return removed

    async def _prune_to(self, max_size: int) -> int:
        removed = gone = 0
        octets = await self._database.read(asking.octets)
        excess = octets - int(max_size * _LEFT_BY_PRUNING) if octets > max_size else 0
        while excess > 0:
            gone, freed = await self._database.do(removing.prune_oldest, excess)
            removed, excess = removed + gone, excess - freed
            if not gone:
                return removed
        if gone and self._place.url is None:  # a file knows at once whether the estimate was right
            return removed + await self._prune_to(max_size)
        return removed

    async def forget(self, address: Mailbox) -> tuple[str, ...]:
        """Remove every entry that names ``address``, and its traces in our file; return their queue ids.

        Of what waits still nothing more is noted.
        """
        spellings = (address, hashed(address, self._place.key)) if self._place.key else (address,)
        wish = removing.Forgotten(self._asking.numbers(address), spellings)
        queue_ids: list[str] = []
        while gone := await self._database.do(removing.forget, wish):
            queue_ids += gone
        await self._database.in_thread(self._database.tidy)
        return tuple(queue_ids)

    async def look(self, ref: str, who: str, at: datetime) -> None:
        """Note that somebody looked at an entry."""
        await self._database.do(writing.look, (ref, Look(at, who)))

    async def looks(self, ref: str) -> tuple[Look, ...]:
        """Return who looked at an entry, oldest first."""
        return await self._database.read(lambda connection: asking.looks(connection, ref))

    async def reopen(self, ref: str, who: str, at: datetime) -> bool:
        """Mark an entry as reopened; False, and nothing done, if it is already (or is not there)."""
        return await self._database.do(writing.reopen, (ref, Look(at, who)))

    async def claim_digest(self, channel: str, day: date) -> bool:
        """Claim the digest of a channel and a day; True for whoever comes first."""
        return await self._database.do(writing.claim_digest, (channel, day.isoformat()))

    async def give_digest_back(self, channel: str, day: date) -> None:
        """Undo a claim, because the digest cannot be sent by whoever made it; another one may claim it."""
        await self._database.do(writing.give_digest_back, (channel, day.isoformat()))


def _opened(place: JournalPlace, *, may_upgrade: bool) -> Database:
    if place.url is None:
        if may_upgrade:
            try:
                place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                place.folder.chmod(0o700)
            except OSError as error:
                raise UnavailableError(
                    f"the journal in {place.folder} cannot be used: {error.strerror}"
                ) from error
        elif not place.file.exists():
            raise UnavailableError(f"there is no journal in {place.folder} yet; a relay makes one")
    return open_database("journal", file=place.file, url=place.url, may_upgrade=may_upgrade, durable=False)
