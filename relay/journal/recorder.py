"""From events to the journal, in batches and off the mail path: takes at once, never raises, never stops mail.

Where the journal is away what comes is kept for a while, and written when it is back; the oldest is lost first,
and counted.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.channels import ChannelBook
from relay.errors import NewerSchemaError, NotDurableError, RelayError, UnavailableError
from relay.events import Fault, JournalLost, JournalTrouble, Observe, TransactionEnded
from relay.journal.entry import Later, PathEntry, entry_of
from relay.journal.store import Journal, JournalPlace

MOST_WAITING = 20_000
"""Entries in memory, while the journal is away."""
MOST_OCTETS = 256 * 1024 * 1024
"""What they take there, roughly: a header section of many addresses takes thirty times its size."""
_OCTETS_OF_AN_ADDRESS = 200
_BATCH = 250
_TURN = 10
"""So many events become entries before the event loop does something else."""
_GATHER_SECONDS = 0.5
_RETRY_SECONDS = 5.0
_PRUNE_SECONDS = 60.0
_CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Terms:
    """By what entries are kept; asked anew for each batch."""

    place: JournalPlace
    book: ChannelBook
    keep_subject: bool
    keep: timedelta
    max_size: int


class Recorder:
    """The journal as one relay writes to it; for one event loop."""

    def __init__(self, terms: Callable[[], Terms], observe: Observe, now: Callable[[], datetime]) -> None:
        """Take what answers with the terms in force, who is told of trouble, and the clock (aware)."""
        self._terms = terms
        self._observe = observe
        self._now = now
        self._waiting: deque[tuple[TransactionEnded | Later, int]] = deque()  # with what each takes
        self._octets = 0
        self._more = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._place: JournalPlace | None = None
        self._in_trouble = False
        self.journal: Journal | None = None
        """What is open now; None while the journal is away."""
        self.written = 0
        """Entries, since the start."""
        self.lost = 0
        """Entries, since the start."""

    @property
    def waiting(self) -> int:
        """How much is not written yet."""
        return len(self._waiting)

    async def start(self) -> None:
        """Open the journal, if it can be had, and begin to write."""
        await self._went_well(self._open)
        self._task = asyncio.create_task(self._run())

    def take(self, event: TransactionEnded) -> None:
        """Keep what was judged; written soon."""
        if event.judged is not None:
            self._put(event)

    def later(self, later: Later) -> None:
        """Keep what became of forward-paths after their client was answered."""
        self._put(later)

    async def close(self) -> None:
        """Write what waits, if that is possible within some seconds, and close."""
        self._closing.set()
        self._more.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, _CLOSE_SECONDS)
        self._lose(
            sum(isinstance(one, TransactionEnded) for one, _ in self._waiting), "the relay ended meanwhile"
        )
        self._waiting.clear()
        self._octets = 0
        await self._shut()

    def _put(self, one: TransactionEnded | Later) -> None:
        waiting, octets = self._waiting, _octets_of(one)
        waiting.append((one, octets))
        self._octets += octets
        while len(waiting) > MOST_WAITING or (self._octets > MOST_OCTETS and len(waiting) > 1):
            self._lose(int(isinstance(self._first(), TransactionEnded)), "too much waits for it")
        if not self._more.is_set():
            self._more.set()

    def _first(self) -> TransactionEnded | Later:
        """Return what has waited longest, which waits no more."""
        one, octets = self._waiting.popleft()
        self._octets -= octets
        return one

    def _put_back(self, batch: Sequence[TransactionEnded | Later]) -> None:
        weighed = [(one, _octets_of(one)) for one in batch]
        self._waiting.extendleft(reversed(weighed))
        self._octets += sum([octets for _, octets in weighed])

    def _lose(self, entries: int, words: str) -> None:
        if entries:
            self.lost += entries
            self._observe(JournalLost(entries, words))

    async def _run(self) -> None:
        prune_at = 0.0
        clock = asyncio.get_running_loop().time
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), _PRUNE_SECONDS)
            await self._sleep(_GATHER_SECONDS)
            self._more.clear()
            if not await self._went_well(self._write):
                self._more.set()
                await self._sleep(_RETRY_SECONDS)
            elif clock() >= prune_at:
                prune_at = clock() + _PRUNE_SECONDS
                await self._went_well(self._prune)
        await self._went_well(self._write)

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not once we are to close."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def _went_well(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Do something that may fail, and return whether it went well; trouble is told once until it is over."""
        try:
            await act()
        except (NotDurableError, UnavailableError, NewerSchemaError) as trouble:
            if not self._in_trouble:
                self._in_trouble = True
                self._observe(JournalTrouble(str(trouble)))
            return False
        except Exception as bug:  # a supervisor: the journal never stops mail
            self._observe(Fault("keeping the journal", bug))
            return False
        self._in_trouble = False
        return True

    async def _open(self) -> None:
        """Have the journal open that the terms in force name."""
        place = self._terms().place
        if self.journal is None or place != self._place:
            await self._shut()
            self.journal = await Journal.open(place)
            self._place = place

    async def _shut(self) -> None:
        journal, self.journal = self.journal, None
        if journal is not None:
            await journal.close()

    async def _write(self) -> None:
        """Write what waits; what cannot be written now waits again.

        What comes meanwhile is left to gather: under load there would be no end to small batches.
        """
        await self._open()
        assert self.journal is not None
        left = len(self._waiting)
        while left > 0:
            batch = [self._first() for _ in range(min(left, len(self._waiting), _BATCH))]
            left -= _BATCH
            try:
                await self._write_batch(self.journal, batch)
            except BaseException:
                self._put_back(batch)
                raise

    async def _write_batch(self, journal: Journal, batch: list[TransactionEnded | Later]) -> None:
        """Write a batch; what is written is taken out of it."""
        terms = self._terms()
        events = [one for one in batch if isinstance(one, TransactionEnded)]
        later = _by_queue_id(batch)
        try:
            await self._add(journal, events, later, terms)
        except RelayError:
            raise
        except Exception as bug:  # a supervisor: one that cannot be written must not keep the others from it
            self._observe(Fault("keeping the journal", bug))
            for event in events:
                await self._add_alone(journal, event, later, terms)
        batch[:] = left = [one for one in batch if isinstance(one, Later) and one.queue_id in later]
        if left:
            await journal.add_paths(left, terms.book)
        batch.clear()

    async def _add_alone(
        self, journal: Journal, event: TransactionEnded, later: dict[str, tuple[PathEntry, ...]], terms: Terms
    ) -> None:
        try:
            await self._add(journal, [event], later, terms)
        except RelayError:
            raise
        except Exception:  # a supervisor: told already
            self._lose(1, "it cannot be written")

    async def _add(
        self,
        journal: Journal,
        events: Sequence[TransactionEnded],
        later: dict[str, tuple[PathEntry, ...]],
        terms: Terms,
    ) -> None:
        """Write entries; what became of their forward-paths meanwhile goes along, and out of ``later``."""
        entries = []
        for number, event in enumerate(events, 1):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            since = later.get(event.queue_id, ())
            entry = entry_of(event, keep_subject=terms.keep_subject, later=since)
            if entry is not None:
                entries.append((entry, terms.book))
        await journal.add(entries)
        self.written += len(entries)
        for entry, _ in entries:
            later.pop(entry.queue_id, None)

    async def _prune(self) -> None:
        terms = self._terms()
        if self.journal is not None:
            await self.journal.prune(terms.keep, terms.max_size, self._now())


def _octets_of(one: TransactionEnded | Later) -> int:
    """Return about how much memory it takes, where that is much."""
    if isinstance(one, Later) or one.judged is None:
        return 0
    view = one.judged.view
    addresses = len(view.recipients) + len(view.reply_to) + len(view.originals)
    return view.header_octets + addresses * _OCTETS_OF_AN_ADDRESS


def _by_queue_id(batch: Iterable[TransactionEnded | Later]) -> dict[str, tuple[PathEntry, ...]]:
    """Return what became of forward-paths in the order in which it came; one message may be tried several times."""
    found: dict[str, tuple[PathEntry, ...]] = {}
    for one in batch:
        if isinstance(one, Later):
            found[one.queue_id] = (*found.get(one.queue_id, ()), *one.paths)
    return found
