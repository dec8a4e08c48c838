"""Waiting for something or for a time, whichever comes first."""

import asyncio
from contextlib import suppress
from typing import Any

from relay.spool.seams import Clock


async def wait_for(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait until ``event`` is set, or for ``seconds``."""
    if not event.is_set():
        await first_of(asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds)))


async def first_of(*futures: asyncio.Future[Any]) -> None:
    """Wait for the first of ``futures``; the others are cancelled."""
    try:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()
        for future in futures:
            with suppress(asyncio.CancelledError):
                await future
