"""Killing a process with a spool, and looking at what it left."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from relay.spool.item import Settlement
from relay.spool.store import SpoolPlace, Store
from tests.spool.crash_driver import LEASE, body_of
from tests.spool.mail import STAMPED, content, items_of, new, octets

TOP = Path(__file__).resolve().parents[2]
KILLED = -9


@dataclass(frozen=True)
class Said:
    """What a process said before it died."""

    lines: Sequence[str]

    def about(self, word: str) -> Counter[str]:
        split = [line.split() for line in self.lines]
        return Counter(words[1] for words in split if words[0] == word and len(words) > 1)


def begin(place: SpoolPlace, role: str, step: str = "never", number: int = 1) -> subprocess.Popen[str]:
    """Start a process on a spool."""
    command = [sys.executable, "-m", "tests.spool.crash_driver", str(place.folder), place.url or "-"]
    return subprocess.Popen([*command, role, step, str(number)], stdout=subprocess.PIPE, text=True, cwd=TOP)


def end(
    process: subprocess.Popen[str], *, kill_after: float | None = None, kill_at: int | None = None
) -> Said:
    """Wait for a process to end, or kill it so many seconds after its work began, or when it has said so many lines."""
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(kill_at or 1)]
    if kill_after is not None:
        time.sleep(kill_after)
    if kill_after is not None or kill_at is not None:
        process.kill()
    rest = process.stdout.read()  # communicate() would leave out what came along with the first line
    process.stdout.close()
    process.wait(timeout=60)
    return Said([*first, *rest.splitlines()])


@asynccontextmanager
async def opened(place: SpoolPlace) -> AsyncIterator[Store]:
    """Open a spool as a relay does that starts."""
    store = await Store.open(place, now=lambda: datetime.now(UTC), lease=LEASE)
    try:
        yield store
    finally:
        await store.close()


async def left_in(place: SpoolPlace) -> Counter[str]:
    """Return the queue ids that are in a spool, after a look at every octet of each."""
    store = await Store.open(place, now=lambda: datetime.now(UTC), lease=LEASE)
    try:
        items = await items_of(store)
        for item in items:
            number = int(item.queue_id.rpartition("-")[2])
            assert await octets(store, item) == STAMPED + body_of(number)
        if place.url is None:
            large = sum(1 for item in items if item.size > 131_072 + len(STAMPED))
            assert len(list((place.folder / "contents").iterdir())) == large
        return Counter(item.queue_id for item in items)
    finally:
        await store.close()


async def filled(place: SpoolPlace, number: int) -> set[str]:
    """Put ``number`` messages into a spool and return their queue ids."""
    store = await Store.open(place, now=lambda: datetime.now(UTC), lease=LEASE)
    names = [f"F-{n}" for n in range(number)]
    await asyncio.gather(*(store.put([new(name)], content(body_of(n))) for n, name in enumerate(names)))
    await store.close()
    return set(names)


async def emptied(place: SpoolPlace) -> list[str]:
    """Deliver everything that is left and return the queue ids."""
    store = await Store.open(place, now=lambda: datetime.now(UTC), lease=LEASE)
    names = []
    while (await store.depth()).waiting:
        now = datetime.now(UTC)
        suspect = await store.claim_suspect(now)
        items = [*await store.claim(100, now), *([suspect] if suspect else [])]
        names += [item.queue_id for item in items]
        await asyncio.gather(*(store.settle(item, Settlement(frozenset({0}))) for item in items))
        if not items:
            await asyncio.sleep(0.05)
    await store.close()
    return names
