"""The timer for what is only kept: a few at a time, by the terms in force, whatever the spool says."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relay.errors import NotDurableError
from relay.events import Fault
from relay.spool.events import RunnerTrouble
from relay.spool.expiry import AT_ONCE, EVERY_SECONDS, Expiry
from relay.spool.schedule import Schedule
from relay.spool.seams import Terms
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import NOON, Time, content, to_keep


def terms(keep: timedelta | None) -> Terms:
    return Terms(Schedule((timedelta(1),), timedelta(1), timedelta(1)), connections=1, keep_closed=keep)


@dataclass
class Spool:
    """Answers as it is told, and then says that nothing is left."""

    answers: list[int | Exception]
    asked: list[tuple[datetime, int]] = field(default_factory=list)

    async def expire_kept(self, before: datetime, most: int) -> int:
        self.asked.append((before, most))
        answer = self.answers.pop(0) if self.answers else 0
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """Stands still, and wakes whoever sleeps as often as it was told."""

    def __init__(self, wakes: int) -> None:
        self.slept: list[float] = []
        self.stands_still = asyncio.Event()
        self._wakes = wakes

    def now(self) -> datetime:
        return NOON

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self._wakes:
            self.stands_still.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


async def test_a_turn_removes_all_that_has_expired_a_few_at_a_time() -> None:
    spool = Spool([AT_ONCE, AT_ONCE, 3])
    await Expiry(spool, lambda: terms(timedelta(days=7)), Clock(0), print).turn()
    assert spool.asked == [(NOON - timedelta(days=7), AT_ONCE)] * 3


async def test_where_nothing_is_kept_any_more_everything_goes() -> None:
    spool = Spool([])
    await Expiry(spool, lambda: terms(None), Clock(0), print).turn()
    assert spool.asked == [(NOON, AT_ONCE)]


async def test_it_looks_at_the_start_and_then_every_minute_whatever_goes_wrong() -> None:
    spool, clock, events = Spool([NotDurableError("no disk"), ValueError("a bug"), 1]), Clock(2), []
    expiry = Expiry(spool, lambda: terms(timedelta(days=7)), clock, events.append)
    expiry.start()
    await clock.stands_still.wait()
    await expiry.stop()
    assert clock.slept == [EVERY_SECONDS] * 3
    assert len(spool.asked) == 3
    assert [type(event) for event in events] == [RunnerTrouble, Fault]


async def test_it_can_be_stopped_before_it_was_started() -> None:
    await Expiry(Spool([]), lambda: terms(None), Clock(0), print).stop()


async def test_on_a_real_spool_what_is_old_goes_and_the_rest_stays(
    store: Store, place: SpoolPlace, time: Time
) -> None:
    for number in range(3):
        await store.put([], content(), to_keep(f"Q-{number}"))
        time.pass_(days=3)
    clock = Clock(0)
    clock.now = time.now  # type: ignore[method-assign]
    await Expiry(store, lambda: terms(timedelta(days=7)), clock, print).turn()
    assert [await store.kept(f"Q-{number}") is not None for number in range(3)] == [False, True, True]
