"""What the runner needs, and is handed: a queue, a way to deliver, reports, a clock."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from relay.mail.outcome import Outcome
from relay.spool.item import REPORTS, Draw, Item, NewItem, Settlement
from relay.spool.schedule import Schedule

Deliver = Callable[[Item], Awaitable[tuple[Outcome, ...]]]
"""Tries an item whose octets are at hand; one outcome for each of its forward-paths, in order."""


class Report(Protocol):
    """Makes the report that is due about an item at hand."""

    def __call__(
        self, item: Item, told: Sequence[tuple[int, Outcome]], *, late: bool
    ) -> tuple[NewItem, bytes] | None:
        """Return a report and its octets; None if none is due.

        ``told``: the place of a forward-path and what became of it.  ``late``: those that still wait are among
        them, because their time for a warning has come.
        """
        ...


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the time, aware."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """By what the runner goes; may be others after a reload."""

    schedule: Schedule
    connections: int
    """So many items at once of a destination, and five times as many of one found by MX; at least 1."""
    by_mx: frozenset[str] = frozenset()
    """Destinations that are many servers: trouble with one says nothing of the others."""
    on_hold: frozenset[str] = frozenset()
    """Destinations whose items are held, never tried; with ``reports`` among them, what fails is held too."""
    keep_closed: timedelta | None = None
    """How long closed messages are kept; None: not at all."""

    @property
    def keeps_failed(self) -> bool:
        """What fails for good is held, because there is no way for reports."""
        return REPORTS in self.on_hold


class Queue(Protocol):
    """What the runner does with a spool; see ``relay.spool.store.Store``."""

    @property
    def lease(self) -> timedelta:
        """Return for how long a claim counts."""
        ...

    async def draw(
        self,
        most: int,
        now: datetime,
        skip: Collection[str] = (),
        *,
        room: Mapping[str, int],
        room_else: int | None,
    ) -> Draw:
        """Take items that are due."""
        ...

    async def claim_suspect(self, now: datetime, skip: Collection[str] = ()) -> Item | None:
        """Take one that was in hand at several crashes."""
        ...

    async def claim_expired(
        self, most: int, now: datetime, accepted_before: datetime, destinations: Collection[str]
    ) -> Sequence[Item]:
        """Take items that have waited too long."""
        ...

    async def settle(
        self, item: Item, settlement: Settlement, reports: Sequence[tuple[NewItem, bytes]] = ()
    ) -> bool:
        """End a claim; False if it was not ours any more."""
        ...

    async def give_back(self, items: Collection[Item]) -> None:
        """Undo claims."""
        ...

    async def renew(self, ids: Collection[int], until: datetime) -> None:
        """Let leases end later."""
        ...

    async def next_due(self, skip: Collection[str] = ()) -> datetime | None:
        """Return when the next item may be claimed."""
        ...

    def at_hand(self, item: Item) -> AbstractAsyncContextManager[Item]:
        """Give an item with its octets."""
        ...
