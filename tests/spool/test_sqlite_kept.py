"""Closed messages that are kept, on SQLite and its disk: files, room, traces, and a command beside a relay."""

from pathlib import Path

import pytest

from relay.errors import NotDurableError
from relay.spool.item import Settlement
from relay.spool.store import SpoolPlace, Store
from relay.spool.store.folder import Folder
from tests.spool.mail import HEAD, NOON, Time, content, items_of, new, to_keep
from tests.spool.test_kept import found, original, reopened
from tests.spool.test_sqlite_store import LARGE, Trouble, files

SECRET = b"nobody may ever read this again"
GIB = 1024**3


async def test_a_large_content_is_a_file_and_goes_with_the_last_who_needs_it(store: Store, place: SpoolPlace):
    await store.put([new()], content(LARGE), to_keep())
    (file,) = files(place)
    assert file.read_bytes() == HEAD + LARGE
    (item,) = await store.claim(1, NOON)
    await store.settle(item, Settlement(frozenset({0})))
    assert files(place) == [file]
    await store.expire_kept(NOON.replace(year=2030), 10)
    assert files(place) == []


async def test_what_is_kept_survives_the_sweeping_at_the_next_start(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    await store.put([], content(LARGE), to_keep())
    await store.close()
    again = await Store.open(place, now=time.now)
    assert await original(again) == HEAD + LARGE
    await again.close()


async def test_no_octet_of_what_is_forgotten_stays_in_the_database(store: Store, place: SpoolPlace):
    for number in range(20):
        await store.put([], content(SECRET * (number * 100 + 1)), to_keep(f"Q-{number}"))
    assert SECRET in traces(place)
    assert await store.forget_kept([f"Q-{number}" for number in range(20)]) == 20
    assert SECRET not in traces(place)


def names_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def traces(place: SpoolPlace) -> bytes:
    return b"".join(file.read_bytes() for file in place.folder.glob("spool.sqlite*"))


@pytest.mark.parametrize("body", [b"small\r\n", LARGE])
@pytest.mark.parametrize("beside", [True, False])
async def test_on_a_disk_that_fills_up_mail_is_taken_and_nothing_is_kept_besides(
    place: SpoolPlace, body: bytes, beside: bool, time: Time
):
    store = await Store.open(place, now=time.now)
    store._stowing._folder = store._folder = Folder(place.folder, lambda _: (GIB // 2, 100 * GIB))
    assert not await store.put([new()] if beside else [], content(body), to_keep())
    assert await store.kept("Q-1") is None
    assert len(await items_of(store)) == beside
    assert len(files(place)) == (beside and body is LARGE)
    await store.close()


@pytest.mark.parametrize("body", [b"small\r\n", LARGE])
async def test_what_could_not_be_committed_is_not_there_by_halves(place: SpoolPlace, time: Time, body: bytes):
    trouble = Trouble()
    store = await Store.open(place, now=time.now, step=trouble)
    await store.put([], content(), to_keep("Q-1"))
    kept = await found(store)
    trouble.failing["before-commit"] = OSError(28, "No space left on device")
    with pytest.raises(NotDurableError):
        await store.put([], content(body), to_keep("Q-2"))
    with pytest.raises(NotDurableError):
        await store.reopen(kept, "anna", [new(head=b"", body_from=0)], content(body))
    trouble.failing.clear()
    assert await store.kept("Q-2") is None
    assert (await found(store)).reopened_at is None
    assert await items_of(store) == []
    assert files(place) == []
    assert await reopened(store)
    await store.close()


async def test_a_relay_that_starts_while_a_command_writes_sweeps_nothing(place: SpoolPlace, time: Time):
    folder = Folder(place.folder)
    (place.folder / "lock").touch()
    async with folder.unswept():
        written = place.folder / "contents" / "0123"
        written.write_bytes(b"the commit that names it is about to come")
        relay = await Store.open(place, now=time.now)
        assert written.exists()
        await relay.close()
    again = await Store.open(place, now=time.now)
    assert not written.exists()
    await again.close()


async def test_where_no_relay_has_served_nobody_sweeps(tmp_path: Path):
    async with Folder(tmp_path).unswept():
        assert names_in(tmp_path) == []
