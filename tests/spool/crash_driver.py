"""A process with a spool that is killed: it says what it did, line by line, as it did it.

``python -m tests.spool.crash_driver FOLDER URL|- ROLE STEP NUMBER``; ROLE is a function below; the process
kills itself at the STEP when it is reached for the NUMBERth time since the work began (``never``: not by itself).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from relay.mail.content import HeldContent
from relay.spool.item import Item, Settlement
from relay.spool.places import Places
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import content, new, to_keep

PUTTERS = 10
LEASE = timedelta(seconds=3)


def say(words: str) -> None:
    os.write(1, f"{words}\n".encode())


def killed_at(step: str, number: int) -> tuple[Callable[[str], None], Callable[[], None]]:
    """Return a step that kills, and what arms it."""
    left = [0]

    def reached(name: str) -> None:
        if left[0] and name == step:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    return reached, lambda: left.__setitem__(0, number)


def body_of(number: int) -> bytes:
    """Return what item ``number`` holds below its head: every third is large."""
    return b"%d\r\n" % number * (30_000 if number % 3 == 0 else 10)


async def put(store: Store) -> None:
    """Put messages until the end of the process; every second has a place in hand."""
    prefix = f"{os.getpid():X}"
    numbers = iter(range(1_000_000))

    async def putter() -> None:
        for number in numbers:
            places = Places((number % 2 == 1,), lambda _: None)
            await store.put([new(f"{prefix}-{number}")], content(body_of(number)), None, places)
            say(f"kept {prefix}-{number}")

    await asyncio.gather(*(putter() for _ in range(PUTTERS)))


async def keep(store: Store) -> None:
    """Keep closed messages until the end of the process; every second waits in the spool too."""
    prefix = f"{os.getpid():X}"
    numbers = iter(range(1_000_000))

    async def keeper() -> None:
        for number in numbers:
            items = [new(f"{prefix}-{number}")] if number % 2 else []
            await store.put(items, content(body_of(number)), to_keep(f"{prefix}-{number}"))
            say(f"kept {prefix}-{number}")

    await asyncio.gather(*(keeper() for _ in range(PUTTERS)))


async def reopen(store: Store) -> None:
    """Reopen the messages K-0, K-1, ... that are kept."""
    for number in range(1_000_000):
        kept = await store.kept(f"K-{number}")
        if kept is None:
            return
        again = HeldContent(body_of(number))
        if await store.reopen(kept, "anna", [new(f"K-{number}", head=b"", body_from=0)], again):
            say(f"reopened K-{number}")


async def deliver(store: Store) -> None:
    """Deliver until nothing is left; every fifth attempt is deferred at first."""
    while True:
        items = await store.claim(7, datetime.now(UTC))
        if not items and not (await store.depth()).waiting:
            return
        await asyncio.gather(*(one(store, item) for item in items))
        if not items:
            await asyncio.sleep(0.05)


async def one(store: Store, item: Item) -> None:
    say(f"taken {item.queue_id}")
    if item.attempts == 0 and item.id % 5 == 0:
        await store.settle(item, Settlement(frozenset(), datetime.now(UTC), "not now"))
        return
    async with store.at_hand(item) as open_item:
        size = sum(map(len, open_item.chunks()))
    say(f"delivered {item.queue_id} {size}")
    await store.settle(item, Settlement(frozenset({0})))
    say(f"settled {item.queue_id}")


async def main(folder: str, url: str, role: str, step: str, number: str) -> None:
    reached, arm = killed_at(step, int(number))
    place = SpoolPlace(Path(folder), None if url == "-" else url)
    store = await Store.open(place, now=lambda: datetime.now(UTC), lease=LEASE, step=reached)
    say("begun")
    arm()
    await {"put": put, "deliver": deliver, "keep": keep, "reopen": reopen}[role](store)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
