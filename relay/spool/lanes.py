"""How much may be tried at once, destination by destination, and who is next.

A destination that is one server is left alone for a while when that server cannot be reached, and then tried with
one item until it answers; the others do not notice.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relay.mail.outcome import Deferred, Outcome
from relay.spool.seams import Terms

BACK_OFF = timedelta(seconds=30)
"""For so long is a server left alone that could not be reached."""
_MANY_SERVERS = 5
"""A destination found by MX is many servers, so so many times as much may be tried at once."""
_IN_LINE = 2
"""So many times what may be tried at once may stand in line: enough to go on with, too little to keep others out."""


@dataclass(slots=True)
class _Lane:
    trying: int = 0
    promised: int = 0
    failing: bool = False
    rests_until: datetime | None = None
    line: deque[asyncio.Future[bool]] = field(default_factory=deque)

    @property
    def taken(self) -> int:
        return self.trying + self.promised + len(self.line)

    def rests(self, now: datetime) -> bool:
        return self.rests_until is not None and now < self.rests_until

    def dismiss(self) -> None:
        while self.line:
            self.line.popleft().set_result(False)


class Lanes:
    """What is being tried and in trouble, by destination."""

    def __init__(self, terms: Callable[[], Terms]) -> None:
        self._terms = terms
        self._lanes: dict[str, _Lane] = {}

    def promise(self, name: str, now: datetime) -> bool:
        """Promise a place in line to something that is on its way to stable storage, if there is one."""
        lane = self._lane(name)
        most = self._limit(name, lane) * (1 if lane.failing else 1 + _IN_LINE)
        free = not lane.rests(now) and lane.taken < most
        lane.promised += free
        return free

    def redeem(self, name: str) -> None:
        """Take a promise back: what it was given for is here, or will never be."""
        self._lanes[name].promised -= 1

    def enter(self, name: str, now: datetime) -> asyncio.Future[bool]:
        """Ask for a turn; the answer tells whether one is to be tried now, or not at all, and may take its time."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._lane(name).line.append(turn)
        self._advance(name, now)
        return turn

    def leave(self, name: str, now: datetime) -> None:
        """Count one less that is tried; whoever is next gets its turn."""
        self._lanes[name].trying -= 1
        self._advance(name, now)

    def dismiss(self) -> None:
        """Let nothing that stands in line be tried."""
        for lane in self._lanes.values():
            lane.dismiss()

    def note(self, destination: str, outcomes: Sequence[Outcome], now: datetime, *, one_server: bool) -> None:
        """Learn from an attempt."""
        lane = self._lane(destination)
        lane.failing = one_server and all(map(_out_of_reach, outcomes))
        lane.rests_until = now + BACK_OFF if lane.failing else None

    def resting(self, now: datetime) -> frozenset[str]:
        """Return the destinations that are left alone now."""
        return frozenset(name for name, lane in self._lanes.items() if lane.rests(now))

    def wakes_at(self, now: datetime) -> datetime | None:
        """Return when the next one is tried again."""
        times = [lane.rests_until for lane in self._lanes.values() if lane.rests_until is not None]
        return min((time for time in times if time > now), default=None)

    def room(self) -> dict[str, int]:
        """Return how many more may be tried, for every destination that is not simply free for ``Terms.connections``."""
        names = self._lanes.keys() | self._terms().by_mx
        return {name: self._limit(name, lane) - lane.taken for name in names for lane in (self._lane(name),)}

    def _lane(self, name: str) -> _Lane:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
        return lane

    def _limit(self, name: str, lane: _Lane) -> int:
        terms = self._terms()
        if lane.failing:
            return 1
        return terms.connections * (_MANY_SERVERS if name in terms.by_mx else 1)

    def _advance(self, name: str, now: datetime) -> None:
        lane = self._lanes[name]
        if lane.rests(now):
            lane.dismiss()
        limit = self._limit(name, lane)
        while lane.line and lane.trying < limit:
            lane.trying += 1
            lane.line.popleft().set_result(True)


def _out_of_reach(outcome: Outcome) -> bool:
    """Return whether an outcome says something of the server and nothing of the message."""
    return isinstance(outcome, Deferred) and (not outcome.hop or outcome.reply.code == 421)
