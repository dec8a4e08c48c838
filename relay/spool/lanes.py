"""How much may be tried at once, destination by destination.

A destination that is one server is left alone for a while when that server cannot be reached, and then tried with
one item until it answers; the others do not notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.mail.outcome import Deferred, Outcome

BACK_OFF = timedelta(seconds=30)
"""For so long is a server left alone that could not be reached."""
_MANY_SERVERS = 5
"""A destination found by MX is many servers, so so many times as much may be tried at once."""


@dataclass(slots=True)
class _Lane:
    in_hand: int = 0
    failing: bool = False
    rests_until: datetime | None = None


class Lanes:
    """What is in hand and in trouble, by destination."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}

    def take(self, destination: str) -> None:
        """Count one more in hand."""
        self._lanes.setdefault(destination, _Lane()).in_hand += 1

    def give(self, destination: str) -> None:
        """Count one less in hand."""
        self._lanes[destination].in_hand -= 1

    def note(self, destination: str, outcomes: Sequence[Outcome], now: datetime, *, one_server: bool) -> None:
        """Learn from an attempt."""
        lane = self._lanes.setdefault(destination, _Lane())
        lane.failing = one_server and all(map(_out_of_reach, outcomes))
        lane.rests_until = now + BACK_OFF if lane.failing else None

    def resting(self, now: datetime) -> frozenset[str]:
        """Return the destinations that are left alone now."""
        return frozenset(
            name
            for name, lane in self._lanes.items()
            if lane.rests_until is not None and now < lane.rests_until
        )

    def wakes_at(self, now: datetime) -> datetime | None:
        """Return when the next one is tried again."""
        times = [lane.rests_until for lane in self._lanes.values() if lane.rests_until is not None]
        return min((time for time in times if time > now), default=None)

    def room(self, limit: int, by_mx: frozenset[str]) -> dict[str, int]:
        """Return how many more may be tried, for every destination that is not simply free for ``limit``."""
        return {name: self._room(name, limit, by_mx) for name in self._lanes.keys() | by_mx}

    def _room(self, name: str, limit: int, by_mx: frozenset[str]) -> int:
        lane = self._lanes.get(name, _Lane())
        if lane.failing:
            return 1 - lane.in_hand
        return limit * (_MANY_SERVERS if name in by_mx else 1) - lane.in_hand


def _out_of_reach(outcome: Outcome) -> bool:
    """Return whether an outcome says something of the server and nothing of the message."""
    return isinstance(outcome, Deferred) and (not outcome.hop or outcome.reply.code == 421)
