"""The metrics wired: what cannot be learnt from events is asked in the background, so that a scrape waits for nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

from relay.errors import RelayError
from relay.events import Fault
from relay.journal.recorder import Recorder
from relay.metrics import Metrics
from relay.spool.store import Store

QUEUE_EVERY = 5.0
"""Seconds between two questions to the spool."""
JOURNAL_EVERY = 60.0
"""Seconds between two questions to the journal, which has more to count."""
PATIENCE = 15.0
"""Seconds after which a store that does not answer counts as one that is away; its answer is waited for all the same."""

T = TypeVar("T")


class Counting:
    """The metrics of one relay, kept up to date."""

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        queue_every: float = QUEUE_EVERY,
        journal_every: float = JOURNAL_EVERY,
        patience: float = PATIENCE,
    ) -> None:
        """``now``: the time, aware."""
        self.metrics = Metrics(_version(), now)
        self._queue_every = queue_every
        self._journal_every = journal_every
        self._patience = patience
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, spool: Callable[[], Store | None], recorder: Callable[[], Recorder | None]) -> None:
        """Begin to ask what these return; None: there is none now."""
        metrics = self.metrics

        async def ask_spool() -> None:
            if (store := spool()) is not None:
                await self._know(store.depth(), metrics.know_queue)

        async def ask_journal() -> None:
            if (keeper := recorder()) is None:
                return
            if keeper.journal is None:
                metrics.know_journal(None)
            else:
                await self._know(keeper.journal.size(), metrics.know_journal)

        if (keeper := recorder()) is not None:
            metrics.ask_recorder(lambda: (keeper.written, keeper.waiting))
        for seconds, ask in ((self._queue_every, ask_spool), (self._journal_every, ask_journal)):
            self._tasks.append(asyncio.create_task(_every(seconds, ask)))

    async def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _know(self, answer: Awaitable[T], know: Callable[[T | None], None]) -> None:
        """Tell the metrics what a store answers, or that it does not."""
        asking = asyncio.ensure_future(answer)
        await asyncio.wait({asking}, timeout=self._patience)
        if not asking.done():
            know(None)
        try:
            know(await asking)
        except RelayError:
            know(None)
        except Exception as error:
            know(None)
            self.metrics.observe(Fault("asking for numbers", error))


async def _every(seconds: float, ask: Callable[[], Awaitable[None]]) -> None:
    while True:
        await ask()
        await asyncio.sleep(seconds)


def _version() -> str:
    try:
        return version("helpdesk-relay")
    except PackageNotFoundError:  # run from a folder, never installed
        return "unknown"
