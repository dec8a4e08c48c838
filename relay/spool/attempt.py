"""One item in hand: brought to hand, delivered, decided about, reported, settled."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.errors import DamagedItemError, RelayError
from relay.events import Fault, Observe
from relay.mail.outcome import Outcome
from relay.spool import schedule
from relay.spool.events import AttemptEnded, ItemHeld, RunnerTrouble
from relay.spool.item import Item, NewItem
from relay.spool.lanes import Lanes
from relay.spool.schedule import Decision, decide
from relay.spool.seams import Clock, Deliver, Queue, Report, Terms
from relay.spool.waiting import wait_for

SETTLE_AGAIN_SECONDS = 5.0
"""How long a spool in trouble is left alone before it is told again what became of an item."""


@dataclass(frozen=True, slots=True)
class _Result:
    outcomes: tuple[Outcome, ...]
    decision: Decision
    reports: tuple[tuple[NewItem, bytes], ...] = ()


class Attempts:
    """What is done with each item that was claimed."""

    def __init__(
        self,
        store: Queue,
        deliver: Deliver,
        report: Report,
        terms: Callable[[], Terms],
        clock: Clock,
        observe: Observe,
        lanes: Lanes,
        chance: Callable[[], float],
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._report = report
        self._terms = terms
        self._clock = clock
        self._observe = observe
        self._lanes = lanes
        self._chance = chance
        self._delivering: set[asyncio.Task[Any]] = set()
        self._broken_off = asyncio.Event()

    def break_off(self) -> None:
        """Cancel what is being delivered and wait for nothing any more; the items are given back."""
        self._broken_off.set()
        for task in self._delivering:
            task.cancel()

    async def attempt(self, item: Item, *, untried: bool = False) -> bool:
        """Do everything with ``item`` until it is settled or given back; never raises.

        ``untried``: its time is over, and it is not to be tried.  Tells whether it is gone and left nothing to be done.
        """
        try:
            return await self._attempted(item, untried=untried)
        except asyncio.CancelledError:
            await self.give_back(item)
        except DamagedItemError as damage:
            await self._hold(item, f"it is damaged: {damage}")
        except RelayError as trouble:
            self._observe(RunnerTrouble(str(trouble)))
            await self._settled(item, _Result((), schedule.postpone(str(trouble), self._clock.now())))
        except Exception as error:
            self._observe(Fault("delivering from the spool", error))
        return False

    async def _attempted(self, item: Item, *, untried: bool) -> bool:
        if schedule.poisonous(item):
            await self._hold(item, f"a poison message: we ended {item.crashes} times while it was in hand")
        elif item.destination in self._terms().on_hold and not item.bounced:
            await self._hold(item, f"nothing is sent to {item.destination} by the settings")
        else:
            began = self._clock.now()
            async with self._store.at_hand(item) as open_item:
                result = await self._result(open_item, untried=untried)
            if await self._settled(item, result):
                self._tell(item, result, began)
                gone = len(result.decision.settlement.gone) == len(item.forward_paths)
                return gone and not result.reports
        return False

    async def _result(self, item: Item, *, untried: bool) -> _Result:
        """Deliver, decide and make the report; its octets are read while they are at hand."""
        if item.bounced:
            outcomes: tuple[Outcome, ...] = (schedule.BY_THE_OPERATOR,) * len(item.forward_paths)
        elif untried:
            outcomes = schedule.untried(item)
        else:
            outcomes = await self._delivered(item)
        terms = self._terms()
        decision = self._decided(item, outcomes, keep_failed=terms.keeps_failed)
        try:
            report = self._report(item, decision.told, late=decision.late) if decision.told else None
        except Exception as error:
            self._observe(Fault("reporting", error))
            report = None
            decision = self._decided(
                item, outcomes, keep_failed=True
            )  # somebody should be told: the operator
        return _Result(outcomes, decision, () if report is None else (report,))

    def _decided(self, item: Item, outcomes: tuple[Outcome, ...], *, keep_failed: bool) -> Decision:
        rules = self._terms().schedule
        return decide(item, outcomes, self._clock.now(), rules, self._chance(), keep_failed=keep_failed)

    async def _delivered(self, item: Item) -> tuple[Outcome, ...]:
        if self._broken_off.is_set():
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None
        self._delivering.add(task)
        try:
            outcomes = await self._deliver(item)
        except (asyncio.CancelledError, Exception) as error:
            if self._broken_off.is_set():
                raise asyncio.CancelledError from error
            self._observe(Fault("delivering from the spool", error))
            return (schedule.OUR_FAULT,) * len(item.forward_paths)
        finally:
            self._delivering.discard(task)
        one_server = item.destination not in self._terms().by_mx
        self._lanes.note(item.destination, outcomes, self._clock.now(), one_server=one_server)
        return outcomes

    async def _hold(self, item: Item, why: str) -> None:
        if await self._settled(item, _Result((), schedule.hold(why))):
            self._observe(ItemHeld(item, why))

    async def _settled(self, item: Item, result: _Result) -> bool:
        """Settle, as often as it takes: a delivery that is not noted would be a second ticket."""
        while True:
            try:
                return await self._store.settle(item, result.decision.settlement, result.reports)
            except RelayError as trouble:
                self._observe(RunnerTrouble(str(trouble)))
                if self._broken_off.is_set():
                    return False
            await wait_for(self._broken_off, self._clock, SETTLE_AGAIN_SECONDS)

    async def give_back(self, item: Item) -> None:
        """Undo the claim of ``item``."""
        with suppress(RelayError):  # its lease ends by itself
            await self._store.give_back([item])

    def _tell(self, item: Item, result: _Result, began: datetime) -> None:
        seconds = (self._clock.now() - began).total_seconds()
        because = result.decision.held_because
        self._observe(AttemptEnded(item, result.outcomes, seconds, because, bool(result.reports)))
