"""A disk of 5 MB as spool: full, it takes no mail, says so, and loses and damages nothing."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.errors import NotDurableError
from relay.spool.item import Item, Settlement
from relay.spool.store import SpoolPlace, Store
from tests.spool.mail import STAMPED, content, items_of, new, octets

pytestmark = pytest.mark.peers


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(place))
    yield place
    run("umount", "-l", str(place))


async def put_until_full(store: Store, body: bytes) -> list[str]:
    """Return the queue ids that were kept."""
    kept: list[str] = []
    refused = 0
    while refused < 25:
        names = [f"{len(body)}-{len(kept)}-{n}" for n in range(5)]
        puts = [store.put([new(name)], content(body)) for name in names]
        results = await asyncio.gather(*puts, return_exceptions=True)
        assert all(isinstance(result, bool | NotDurableError) for result in results)
        kept += [name for name, result in zip(names, results, strict=True) if isinstance(result, bool)]
        refused += sum(not isinstance(result, bool) for result in results)
        assert len(kept) < 8000
    return kept


async def check(store: Store, names: list[str]) -> list[Item]:
    items = await items_of(store)
    assert sorted(item.queue_id for item in items) == sorted(names)
    for item in items:
        found = await octets(store, item)
        assert found == STAMPED + found[-1:] * int(item.queue_id.partition("-")[0])
    return items


def fill_up(file: Path) -> None:
    """Write until there is no room at all."""
    with suppress(OSError), file.open("wb", buffering=0) as rubbish:
        while True:
            rubbish.write(b"x" * 4096)


def run(*command: str) -> None:
    subprocess.run(command, check=True)


async def deliver_all(store: Store) -> None:
    while items := await store.claim(50, now()):
        await asyncio.gather(*(store.settle(item, Settlement(frozenset({0}))) for item in items))


@pytest.mark.parametrize("size", [500, 4_000, 60_000, 300_000])
async def test_a_full_disk_takes_no_mail_until_there_is_room_again(disk: Path, size: int):
    store = await Store.open(SpoolPlace(disk / "spool"), now=now)
    first = await put_until_full(store, b"a" * size)
    assert len(first) * size > 1_000_000
    await check(store, first)
    await deliver_all(store)
    second = await put_until_full(store, b"b" * size)
    assert len(second) > len(first) // 3, "the room of what was delivered is used again"
    await check(store, second)
    await store.close()
    again = await Store.open(SpoolPlace(disk / "spool"), now=now)
    await check(again, second)
    await again.close()


@pytest.mark.parametrize("size", [4_000, 300_000])
async def test_a_disk_that_others_filled_to_the_last_octet_breaks_nothing(disk: Path, size: int):
    store = await Store.open(SpoolPlace(disk / "spool"), now=now)
    kept = [f"{size}-{n}" for n in range(4)]
    for name in kept:
        await store.put([new(name)], content(b"a" * size))
    rubbish = disk / "rubbish"
    fill_up(rubbish)
    assert await put_until_full(store, b"b" * size) == []
    await check(store, kept)
    rubbish.unlink()
    await store.put([new(f"{size}-new")], content(b"b" * size))
    await check(store, [*kept, f"{size}-new"])
    await deliver_all(store)
    await check(store, [])
    await store.close()


async def test_a_read_only_disk_takes_no_mail_until_it_can_be_written_again(disk: Path):
    store = await Store.open(SpoolPlace(disk / "spool"), now=now)
    await store.put([new("500-1")], content(b"a" * 500))
    await store.close()
    run("mount", "-o", "remount,ro", str(disk))
    with pytest.raises(Exception, match="cannot be"):
        await Store.open(SpoolPlace(disk / "spool"), now=now)
    run("mount", "-o", "remount,rw", str(disk))
    again = await Store.open(SpoolPlace(disk / "spool"), now=now)
    await check(again, ["500-1"])
    await again.close()


@pytest.mark.parametrize("moment", ["before the first put", "later"])
async def test_a_disk_that_is_gone_takes_mail_when_it_is_back(disk: Path, moment: str):
    store = await Store.open(SpoolPlace(disk / "spool"), now=now)
    if moment == "later":
        await store.put([new("4000-1")], content(b"a" * 4000))
    away = disk.with_name("away")
    away.mkdir()
    run("mount", "--bind", str(away), str(disk))
    for size in (4000, 300_000):
        with pytest.raises(NotDurableError):
            await store.put([new(f"{size}-2")], content(b"b" * size))
    assert list(away.iterdir()) == []
    run("umount", str(disk))
    await store.put([new("4000-3")], content(b"c" * 4000))
    await check(store, ["4000-3"] if moment != "later" else ["4000-1", "4000-3"])
    await store.close()
