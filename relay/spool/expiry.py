"""A timer that removes closed messages which were kept for long enough, a few at a time."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from relay.errors import RelayError
from relay.events import Fault, Observe
from relay.spool.events import RunnerTrouble
from relay.spool.seams import Clock, Terms

EVERY_SECONDS = 60.0
AT_ONCE = 50
"""So many go by one transaction; between two of them mail gets its turn."""


class Keeping(Protocol):
    """What is asked of a spool; see ``relay.spool.store.Store``."""

    async def expire_kept(self, before: datetime, most: int) -> int:
        """Remove what was kept before a time; return how much went."""
        ...


class Expiry:
    """Goes by the terms in force: whoever shortens the time, or keeps nothing any more, is heard within a minute."""

    def __init__(self, store: Keeping, terms: Callable[[], Terms], clock: Clock, observe: Observe) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock
        self._observe = observe
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, with what is at hand."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def turn(self) -> None:
        """Remove all that has expired."""
        keep = self._terms().keep_closed or timedelta()
        before = self._clock.now() - keep
        while await self._store.expire_kept(before, AT_ONCE) == AT_ONCE:
            pass

    async def _run(self) -> None:
        while True:
            try:
                await self.turn()
            except RelayError as trouble:
                self._observe(RunnerTrouble(str(trouble)))
            except Exception as error:
                self._observe(Fault("removing what was kept", error))
            await self._clock.sleep(EVERY_SECONDS)
