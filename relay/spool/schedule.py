"""When an item is tried again, and what becomes of it after an attempt.  Pure: times and chance are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown, out_of_time
from relay.mail.reply import Reply
from relay.spool.item import CRASHES_AT_MOST, REPORTS, Item, Settlement

JITTER = 0.2
"""A pause is longer by up to this share, so that what failed together does not come back together."""
SHORTEST_PAUSE = timedelta(seconds=1)
UNKNOWNS_AT_MOST = 2
"""After so many attempts of which nobody knows whether they went well, a person must look."""
LATE_AFTER = timedelta(hours=4)
"""Then those are told of the delay who asked for it."""

UNREADABLE_RETRY = timedelta(seconds=30)
"""When an item whose octets could not be read is tried again."""

BY_THE_OPERATOR = Failed(Reply(554, "5.0.0", "The operator of this server gave the message back"))
OUR_FAULT = Deferred(Reply(451, "4.3.0", "A fault of this server kept it from trying"))


@dataclass(frozen=True, slots=True)
class Schedule:
    """How patient we are."""

    retry: tuple[timedelta, ...]
    """Pauses after the first, the second, ... attempt; the last one repeats.  At least one."""
    give_up_after: timedelta
    """Counted from when the message was accepted."""
    unknown_retry: timedelta

    def pause(self, attempts: int, chance: float) -> timedelta:
        """Return the pause after so many attempts, at least one; ``chance`` is in [0, 1)."""
        step = self.retry[min(attempts, len(self.retry)) - 1]
        return max(step, SHORTEST_PAUSE) * (1 + JITTER * chance)

    def ends_at(self, item: Item) -> datetime:
        """Return when an item has been tried for long enough."""
        return item.accepted_at + self.give_up_after


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an item after an attempt."""

    settlement: Settlement
    told: tuple[tuple[int, Outcome], ...] = ()
    """What a report may be due about: the place of the forward-path, and what became of it."""
    late: bool = False
    """A warning of the delay is among it."""
    held_because: str = ""
    """Not empty: what is left is held, and why."""


def decide(
    item: Item,
    outcomes: Sequence[Outcome],
    now: datetime,
    schedule: Schedule,
    chance: float,
    *,
    keep_failed: bool = False,
) -> Decision:
    """Return what becomes of ``item`` after an attempt with these outcomes, one for each forward-path.

    ``keep_failed``: what fails for good stays, held, for the operator.  So does a report whatever that says: a
    report about a report would go round in circles.
    """
    if all(isinstance(one, Delivered) for one in outcomes):  # as nearly always
        return Decision(Settlement(frozenset(range(len(outcomes))), None, ""), tuple(enumerate(outcomes)))
    over = now >= schedule.ends_at(item)
    kept = (keep_failed or item.destination == REPORTS) and not item.bounced
    final = tuple(out_of_time(one) if over and isinstance(one, Deferred) else one for one in outcomes)
    gone = frozenset(
        place
        for place, one in enumerate(final)
        if isinstance(one, Delivered) or (isinstance(one, Failed) and not kept)
    )
    unknown = any(isinstance(one, Unknown) for one in final)
    waits = unknown or any(isinstance(one, Deferred) for one in final)
    held_because = _held_because(item, unknown=unknown, over=over, waits=waits, whole=len(gone) == len(final))
    late = waits and not item.warned and now - item.accepted_at >= LATE_AFTER
    told = tuple((place, one) for place, one in enumerate(final) if place in gone or (late and _open(one)))
    settlement = Settlement(
        gone=gone,
        next_attempt_at=None if held_because else _next(item, now, schedule, chance, unknown=unknown),
        last_reply=_words(final),
        unknown=unknown,
        warned=late,
    )
    return Decision(settlement, told, late, held_because)


def untried(item: Item) -> tuple[Outcome, ...]:
    """Return the outcomes of an item whose time ran out while nothing could be tried."""
    last = item.last_reply or "there was never a way to try"
    return (out_of_time(Unknown(last)),) * len(item.forward_paths)


def hold(why: str) -> Decision:
    """Return the decision that an item is held without an attempt."""
    return Decision(Settlement(frozenset(), None, why, attempted=False), held_because=why)


def postpone(why: str, now: datetime) -> Decision:
    """Return the decision that an item whose octets cannot be read now is tried a little later."""
    return Decision(Settlement(frozenset(), now + UNREADABLE_RETRY, why, attempted=False))


def poisonous(item: Item) -> bool:
    """Return whether we ended too often while the item was in hand."""
    return item.crashes >= CRASHES_AT_MOST


def _open(outcome: Outcome) -> bool:
    return isinstance(outcome, Deferred | Unknown)


def _held_because(item: Item, *, unknown: bool, over: bool, waits: bool, whole: bool) -> str:
    if whole:
        return ""
    if not waits:
        return "it failed, and nobody is told"
    if unknown and item.unknowns + 1 >= UNKNOWNS_AT_MOST:
        return "the next hop has left us in doubt twice whether it took the message"
    if unknown and over:
        return "its time is over, and nobody knows whether the next hop took it"
    return ""


def _next(item: Item, now: datetime, schedule: Schedule, chance: float, *, unknown: bool) -> datetime:
    """Return when to try again: never after the end, so that nobody waits longer than needed for bad news."""
    pause = schedule.unknown_retry if unknown else schedule.pause(item.attempts + 1, chance)
    ends_at = schedule.ends_at(item)
    return min(now + pause, ends_at) if now < ends_at else now + pause


def _words(outcomes: Sequence[Outcome]) -> str:
    """Return what the operator reads: the first outcome that was not a delivery."""
    missed = next((outcome for outcome in outcomes if not isinstance(outcome, Delivered)), None)
    if missed is None:
        return ""
    words = missed.words if isinstance(missed, Unknown) else str(missed.reply)
    return f"{missed.hop}: {words}" if missed.hop else words
