"""The retry loop: takes what is due, has it delivered, settles what came of it.

A destination that does not answer stops no other one; what was in hand at a crash comes back, and what makes us
crash is found and held.  Clock, chance, courier and reports are injected.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from relay.errors import RelayError
from relay.events import Fault, Observe
from relay.spool.attempt import Attempts
from relay.spool.events import RunnerTrouble
from relay.spool.item import Item, NewItem
from relay.spool.lanes import Lanes
from relay.spool.places import Places
from relay.spool.seams import Clock, Deliver, Queue, Report, Terms
from relay.spool.waiting import first_of, wait_for

MOST_IN_HAND = 400
"""Items over all destinations, so that a hundred thousand that wait take no more memory than these."""
MOST_AT_ONCE = 50
"""Items of one claim."""
LOOK_AGAIN = timedelta(seconds=5)
"""How soon what another process put, retried or released is noticed; and how soon a spool in trouble is tried."""
_SOON = timedelta(seconds=1)
_EXPIRED_EVERY = timedelta(minutes=1)
_RENEWALS = 3
"""In the time of one lease."""


class Runner:
    """Delivers what waits; for one event loop."""

    def __init__(
        self,
        store: Queue,
        deliver: Deliver,
        report: Report,
        terms: Callable[[], Terms],
        clock: Clock,
        observe: Observe,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``terms`` is asked again for everything that is begun, so that a reload counts at once."""
        self._store = store
        self._terms = terms
        self._clock = clock
        self._observe = observe
        self._lanes = Lanes(terms)
        self._attempts = Attempts(store, deliver, report, terms, clock, observe, self._lanes, chance)
        self._in_hand: dict[int, asyncio.Task[bool]] = {}
        self._promised = 0
        self._waiting: set[str] | None = None
        self._suspect: int | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None
        self._renew_at: datetime | None = None
        self._expired_at: datetime | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run())

    def poke(self) -> None:
        """Look at once: something was put, retried or released."""
        self._wake.set()

    def places(self, items: Sequence[NewItem]) -> Places:
        """Promise places in hand to items that are about to be put, where nothing that waits would be passed over.

        What gets none waits for its turn: ``poke`` when it is put.
        """
        now = self._clock.now()
        taken = tuple([self._promise(item, now) for item in items])
        return Places(taken, lambda landed: self._landed(items, taken, landed))

    def _promise(self, item: NewItem, now: datetime) -> bool:
        if self._waiting is None or self._stopping:
            return False
        way = item.destination
        room = len(self._in_hand) + self._promised < MOST_IN_HAND and item.not_before is None
        if way in self._waiting or not room or not self._lanes.promise(way, now):
            self._waiting.add(way)
            return False
        self._promised += 1
        return True

    def _landed(self, items: Sequence[NewItem], taken: Sequence[bool], landed: Sequence[Item]) -> None:
        for item, promised in zip(items, taken, strict=True):
            if promised:
                self._promised -= 1
                self._lanes.redeem(item.destination)
        self._begin(landed)

    @property
    def in_hand(self) -> int:
        """How many items are being delivered."""
        return len(self._in_hand)

    @property
    def idle(self) -> bool:
        """Nothing is in hand, and nothing has happened since the runner last looked."""
        return not self._in_hand and not self._wake.is_set()

    async def stop(self, drain: float) -> None:
        """Take nothing more, let what is in hand finish for ``drain`` seconds, give the rest back."""
        self._stopping = True
        self._wake.set()
        if self._loop is not None:
            await self._loop
        self._lanes.dismiss()
        await self._finished_within(drain)
        self._attempts.break_off()
        while self._in_hand:  # what was on its way to stable storage may still land
            await asyncio.gather(*self._in_hand.values())

    async def _finished_within(self, seconds: float) -> None:
        if self._in_hand:
            finished = asyncio.gather(*map(asyncio.shield, self._in_hand.values()))
            await first_of(finished, asyncio.ensure_future(self._clock.sleep(seconds)))

    async def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            pause = LOOK_AGAIN
            try:
                pause = await self._turn()
            except RelayError as trouble:
                self._observe(RunnerTrouble(str(trouble)))
            except Exception as error:
                self._observe(Fault("running the spool", error))
            if pause and not self._stopping:
                await wait_for(self._wake, self._clock, pause.total_seconds())

    async def _turn(self) -> timedelta:
        """Take what may be taken; return for how long there is nothing to do."""
        now = self._clock.now()
        await self._renew(now)
        if len(self._in_hand) >= MOST_IN_HAND:
            self._waiting = None
            return LOOK_AGAIN
        if await self._take(now):
            return timedelta()
        return await self._pause(now)

    async def _take(self, now: datetime) -> bool:
        terms = self._terms()
        resting = self._lanes.resting(now)
        most = min(MOST_AT_ONCE, MOST_IN_HAND - len(self._in_hand))
        room, room_else = self._lanes.room(), terms.connections
        draw = self._store.draw(most, now, resting, room=room, room_else=room_else)
        drawn, suspect = await asyncio.gather(draw, self._take_suspect(now, resting))
        self._waiting = set(drawn.left)  # what came meanwhile is next, and may be passed this once
        self._begin(drawn.items)
        expired = await self._take_expired(now, resting, terms)
        return bool(drawn.items or suspect or expired)

    async def _take_suspect(self, now: datetime, resting: Collection[str]) -> bool:
        """Take one that may be to blame for crashes, and never two at once."""
        if self._suspect in self._in_hand:
            return False
        item = await self._store.claim_suspect(now, resting)
        if item is None:
            return False
        self._suspect = item.id
        self._begin([item])
        return True

    async def _take_expired(self, now: datetime, resting: Collection[str], terms: Terms) -> bool:
        """Take what waited too long for a destination that is left alone: nobody else ever would."""
        if not resting or (self._expired_at is not None and now < self._expired_at):
            return False
        before = now - terms.schedule.give_up_after
        items = await self._store.claim_expired(MOST_AT_ONCE, now, before, resting)
        self._begin(items, untried=True)
        if not items:
            self._expired_at = now + _EXPIRED_EVERY
        return bool(items)

    def _begin(self, items: Iterable[Item], *, untried: bool = False) -> None:
        for item in items:
            if item.id in self._in_hand:  # our own lease ran out while we slept; the first claim goes on
                continue
            if untried:
                work = self._attempts.attempt(item, untried=True)
            else:
                work = self._in_turn(item, self._lanes.enter(item.destination, self._clock.now()))
            task = asyncio.create_task(work)
            self._in_hand[item.id] = task
            task.add_done_callback(lambda task, item=item: self._ended(item, task))  # type: ignore[misc]

        if self._stopping:
            self._lanes.dismiss()

    async def _in_turn(self, item: Item, turn: asyncio.Future[bool]) -> bool:
        """Try ``item`` when its turn comes; tell whether nothing of it is left to be done."""
        if not await turn:
            await self._attempts.give_back(item)
            return False
        try:
            return await self._attempts.attempt(item)
        finally:
            self._lanes.leave(item.destination, self._clock.now())

    def _ended(self, item: Item, task: "asyncio.Task[bool]") -> None:
        del self._in_hand[item.id]
        done = not task.cancelled() and task.exception() is None and task.result()
        waiting = self._waiting is None or item.destination in self._waiting
        if waiting or not done or item.id == self._suspect:
            self._wake.set()

    async def _renew(self, now: datetime) -> None:
        if self._renew_at is None or not self._in_hand:
            self._renew_at = now + self._store.lease / _RENEWALS
        elif now >= self._renew_at:
            await self._store.renew(tuple(self._in_hand), now + self._store.lease)
            self._renew_at = now + self._store.lease / _RENEWALS

    async def _pause(self, now: datetime) -> timedelta:
        """Return how long nothing is due."""
        times = [
            await self._store.next_due(self._lanes.resting(now) | self._full()),
            self._lanes.wakes_at(now),
            self._renew_at if self._in_hand else None,
        ]
        wait = min((time - now for time in times if time is not None), default=LOOK_AGAIN)
        return min(max(wait, _SOON), LOOK_AGAIN)

    def _full(self) -> frozenset[str]:
        return frozenset(name for name, free in self._lanes.room().items() if free <= 0)
