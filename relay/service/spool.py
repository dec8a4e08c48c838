"""The spool wired: where it is, what the runner goes by, what is put and poked."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from relay.events import Observe
from relay.mail.content import Content
from relay.mail.hop import Way
from relay.service.sending import Sending
from relay.settings.model import Settings
from relay.spool.expiry import Expiry
from relay.spool.item import ELSEWHERE, REPORTS, NewItem
from relay.spool.reopenable import ToKeep
from relay.spool.runner import Runner
from relay.spool.schedule import Schedule
from relay.spool.seams import Terms
from relay.spool.store import SpoolPlace, Store

_MANY = 1000
"""Connections to a hop where the settings set no limit."""


def spool_place(settings: Settings) -> SpoolPlace:
    """Return where the spool is."""
    return SpoolPlace(Path(settings.state) / "spool", settings.spool.url)


def runner_terms(settings: Settings) -> Terms:
    """Return what the runner goes by."""
    deliver, spool = settings.deliver, settings.spool
    by_mx = {ELSEWHERE: deliver.elsewhere, REPORTS: deliver.reports}
    return Terms(
        schedule=Schedule(spool.retry, spool.give_up_after, spool.unknown_retry),
        connections=deliver.connections or _MANY,
        by_mx=frozenset(name for name, destination in by_mx.items() if destination is Way.MX),
        on_hold=frozenset({REPORTS}) if deliver.reports is Way.HOLD else frozenset(),
        keep_closed=settings.journal.keep_closed,
    )


class _Clock:
    """The time of the machine."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Spooling:
    """A spool that is open, the runner that empties it, and the timer for what is only kept."""

    def __init__(self, store: Store, runner: Runner, expiry: Expiry) -> None:
        self.store = store
        self._runner = runner
        self._expiry = expiry

    @classmethod
    async def open(
        cls,
        settings: Settings,
        sending: Sending,
        terms: Callable[[], Terms],
        now: Callable[[], datetime],
        observe: Observe,
    ) -> "Spooling":
        """Open the spool and start the runner; UnavailableError or NewerSchemaError where it cannot be had."""
        store = await Store.open(spool_place(settings), now=now)
        clock = _Clock(now)
        runner = Runner(store, sending.deliver, sending.report, terms, clock, observe)
        expiry = Expiry(store, terms, clock, observe)
        runner.start()
        expiry.start()
        return cls(store, runner, expiry)

    async def put(self, items: Sequence[NewItem], content: Content, keep: ToKeep | None = None) -> bool:
        """Keep ``items``; NotDurableError if that could not be.  ``keep`` is kept for longer, if there is room."""
        places = self._runner.places(items)
        try:
            kept = await self.store.put(items, content, keep, places)
        except Exception:
            places.landed(())
            raise
        if not all(places.taken):
            self.poke()
        return kept

    def poke(self) -> None:
        """Let the runner look at once: something was put."""
        self._runner.poke()

    async def close(self, drain: float) -> None:
        """Let what is in hand finish for ``drain`` seconds, then close."""
        await self._expiry.stop()
        await self._runner.stop(drain)
        await self.store.close()
