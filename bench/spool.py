"""What the spool costs: puts by how many at once and how large, claims and ends, and with 100,000 items waiting.

``python bench/spool.py [URL]``: SQLite in a temporary folder (``TMPDIR`` says on which disk), or PostgreSQL.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from relay.mail.address import parse_mailbox
from relay.mail.content import HeldContent
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.spool.item import ELSEWHERE, HELPDESK, NewItem, Settlement
from relay.spool.store import SpoolPlace, Store

HEAD = b"From: support@company.com\r\nTo: anna@mail.example\r\nX-Filler: " + b"y" * 500 + b"\r\n\r\n"
BOX = parse_mailbox("anna@mail.example")
assert BOX is not None
FROM, TO = ReversePath("anna@mail.example", BOX, size=4096), (ForwardPath("anna@mail.example", BOX),)
CLIENT = Client(helo="client.example")
SIZES = {4096: (1000, 4000, 10_000), 65_536: (300, 1000, 2000), 1_048_576: (50, 100, 200)}
PUTTERS = (1, 10, 50)
MANY = 100_000


def now() -> datetime:
    return datetime.now(UTC)


def new(number: int) -> NewItem:
    way = HELPDESK if number % 10 else ELSEWHERE
    return NewItem(f"Q-{number:X}", way, FROM, TO, CLIENT, HEAD, len(HEAD))


def content(size: int) -> HeldContent:
    return HeldContent(HEAD + b"x" * (size - len(HEAD)))


@contextmanager
def place(url: str | None) -> Iterator[SpoolPlace]:
    with tempfile.TemporaryDirectory() as folder:
        yield SpoolPlace(Path(folder) / "spool", url)


async def put_all(store: Store, putters: int, total: int, size: int) -> None:
    left, octets = iter(range(total)), content(size)

    async def putter() -> None:
        for number in left:
            await store.put([new(number)], octets)

    await asyncio.gather(*(putter() for _ in range(putters)))


async def deliver_all(store: Store) -> None:
    while items := await store.claim(50, now()):
        await asyncio.gather(*(store.settle(item, Settlement(frozenset({0}))) for item in items))


@contextmanager
def measured(what: str, total: int) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:45} {total / wall:8.0f} a second {cpu / total * 1000:8.3f} ms CPU each", flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what:45} {(time.perf_counter() - began) * 1000:8.1f} ms", flush=True)


async def puts(url: str | None, putters: int, size: int, total: int) -> None:
    with place(url) as where:
        store = await Store.open(where, now=now)
        await store.put([new(0)], content(size))
        with measured(f"put {size} octets, {putters} at once", total):
            await put_all(store, putters, total, size)
        with measured("    claim 50 at once, and end", total):
            await deliver_all(store)
        await store.close()


async def many(url: str | None) -> None:
    with place(url) as where:
        store = await Store.open(where, now=now)
        await put_all(store, 200, MANY, 4096)
        await store.close()
        print(f"--- {MANY} items waiting")
        with timed("open"):
            store = await Store.open(where, now=now)
        with timed("first claim of 50"):
            await store.claim(50, now())
        with timed("second claim of 50"):
            await store.claim(50, now())
        with timed("claim of 50, nine tenths passed over"):
            await store.claim(50, now(), [HELPDESK])
        with timed("claim of what waits too long"):
            await store.claim_expired(50, now(), now() - timedelta(days=5), [HELPDESK])
        with timed("next due"):
            await store.next_due()
        with timed("depth"):
            await store.depth()
        await store.close()


if __name__ == "__main__":
    server = sys.argv[1] if len(sys.argv) > 1 else None
    for one_size, totals in SIZES.items():
        for at_once, number in zip(PUTTERS, totals, strict=True):
            asyncio.run(puts(server, at_once, one_size, number))
    asyncio.run(many(server))
