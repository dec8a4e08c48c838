"""A runner with a clock that is moved by hand, a courier that does what it is told, and everything it says."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from relay.mail.outcome import Deferred, Delivered, Failed, Outcome
from relay.mail.reply import Reply
from relay.spool.item import REPORTS, Item, NewItem
from relay.spool.runner import Runner
from relay.spool.schedule import Schedule
from relay.spool.seams import Terms
from relay.spool.store import Store
from tests.spool.mail import Time, new, reverse

OK = Delivered(Reply(250, "2.0.0", "OK"), "desk:25")
NO = Failed(Reply(550, "5.1.1", "No such user"), "desk:25")
LATER = Deferred(Reply(451, "4.2.0", "Later"), "desk:25")
UNREACHABLE = Deferred(Reply(451, "4.4.1", "Connection refused"))
MINUTE = timedelta(minutes=1)
SCHEDULE = Schedule((MINUTE, 5 * MINUTE), timedelta(days=5), 30 * MINUTE)
SOME_SECONDS = 20


@dataclass
class FakeClock:
    """Shares its time with the store; nobody really sleeps."""

    time: Time
    sleeps: int = 0
    _sleepers: list[tuple[datetime, asyncio.Future[None]]] = field(default_factory=list)
    _slept: asyncio.Condition = field(default_factory=asyncio.Condition)

    def now(self) -> datetime:
        return self.time.now()

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now() + timedelta(seconds=seconds), future))
        async with self._slept:
            self.sleeps += 1
            self._slept.notify_all()
        try:
            await future
        finally:
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[1] is not future]

    @property
    def anyone_sleeps(self) -> bool:
        return any(not future.done() for _, future in self._sleepers)

    async def sleeps_again(self, after: int) -> None:
        async with self._slept:
            await self._slept.wait_for(lambda: self.sleeps > after)

    def pass_(self, **time: float) -> None:
        self.time.pass_(**time)
        for until, future in self._sleepers:
            if until <= self.now() and not future.done():
                future.set_result(None)


@dataclass
class Courier:
    """Answers for each item by ``answer``; an item whose queue id is in ``gates`` waits for its gate."""

    answer: Callable[[Item], Outcome | BaseException] = lambda item: OK
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    octets: dict[str, bytes] = field(default_factory=dict)
    in_hand: int = 0
    most_in_hand: int = 0
    begun: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def __call__(self, item: Item) -> tuple[Outcome, ...]:
        self.tried.append(item.queue_id)
        self.octets[item.queue_id] = b"".join(item.chunks())
        self.begun.put_nowait(item.queue_id)
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            gate = self.gates.get(item.queue_id) or self.gates.get("*")
            if gate is not None:
                await gate.wait()
            await asyncio.sleep(0)
        finally:
            self.in_hand -= 1
        answer = self.answer(item)
        if isinstance(answer, BaseException):
            raise answer
        return (answer,) * len(item.forward_paths)


@dataclass
class Reports:
    """Makes a report about whatever it is told, unless it is told to fail."""

    told: list[tuple[str, tuple[Outcome, ...], bool]] = field(default_factory=list)
    error: Exception | None = None

    def __call__(
        self, item: Item, told: Sequence[tuple[int, Outcome]], *, late: bool
    ) -> tuple[NewItem, bytes] | None:
        self.told.append((item.queue_id, tuple(one for _, one in told), late))
        if self.error is not None:
            raise self.error
        if not item.reverse_path.text or all(isinstance(one, Delivered) for _, one in told):
            return None
        report = new(
            f"R-{item.queue_id}", destination=REPORTS, reverse_path=reverse(""), head=b"", body_from=0
        )
        return report, b"About: " + b"".join(item.chunks())


class House:
    """A runner and all that stands around it."""

    def __init__(self, store: Store, time: Time) -> None:
        self.store = store
        self.clock = FakeClock(time)
        self.courier = Courier()
        self.reports = Reports()
        self.terms = Terms(SCHEDULE, connections=4)
        self.events: list[object] = []
        self.runner = Runner(
            store, self.courier, self.reports, lambda: self.terms, self.clock, self.events.append, lambda: 0.0
        )

    async def quiet(self, **time: float) -> None:
        """Let time pass, and wait until the runner has nothing to do and nothing in hand."""
        async with asyncio.timeout(SOME_SECONDS):
            while True:
                before = self.clock.sleeps
                self.runner.poke()
                self.clock.pass_(**time)
                time = {}
                await self.clock.sleeps_again(before)
                if self.runner.idle and self.clock.anyone_sleeps:
                    return

    async def settled(self) -> None:
        """Wait until the runner sleeps, whatever is in hand."""
        async with asyncio.timeout(SOME_SECONDS):
            before = self.clock.sleeps
            self.runner.poke()
            await self.clock.sleeps_again(before)

    async def begun(self, number: int = 1) -> list[str]:
        """Wait until so many more deliveries have begun."""
        async with asyncio.timeout(SOME_SECONDS):
            return [await self.courier.begun.get() for _ in range(number)]

    def said(self, kind: type) -> list[object]:
        return [event for event in self.events if type(event) is kind]

    async def stop(self) -> None:
        """Stop, with time passing as it must."""
        stopping = asyncio.ensure_future(self.runner.stop(30))
        while not stopping.done():
            self.clock.pass_(seconds=31)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stopping), 0.01)
        await stopping
