"""The spool on a real PostgreSQL: every rule of the store, and those that only several relays can break."""

import asyncio
import time as clock
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from relay.errors import NotDurableError, UnavailableError
from relay.spool.item import Depth, Settlement
from relay.spool.store import SpoolPlace, Store
from tests.peers.postgresql import PostgreSQL, postgresql
from tests.spool.crash_driver import LEASE
from tests.spool.crashes import KILLED, begin, emptied, end, filled
from tests.spool.mail import NOON, STAMPED, Time, content, items_of, new, octets
from tests.spool.test_crash import *  # noqa: F403
from tests.spool.test_kept import *  # noqa: F403
from tests.spool.test_kept_crash import *  # noqa: F403
from tests.spool.test_sqlite_store import Streamed
from tests.spool.test_store import *  # noqa: F403 - every rule holds here too

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


@pytest.fixture
def place(server: PostgreSQL, tmp_path: Path) -> SpoolPlace:
    return SpoolPlace(tmp_path / "spool", server.database())


@pytest.fixture
def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def store(place: SpoolPlace, time: Time) -> AsyncIterator[Store]:
    opened = await Store.open(place, now=time.now)
    yield opened
    await opened.close()


async def both(place: SpoolPlace, tmp_path: Path, time: Time) -> tuple[Store, Store]:
    """Two relays, each with a folder of its own."""
    other = SpoolPlace(tmp_path / "other", place.url)
    return tuple(await asyncio.gather(*(Store.open(one, now=time.now) for one in (place, other))))


async def test_relays_that_start_together_on_an_empty_server_make_one_spool(
    place: SpoolPlace, tmp_path: Path, time: Time
):
    one, other = await both(place, tmp_path, time)
    await one.put([new("Q-1")], content())
    await other.put([new("Q-2")], content())
    assert {item.queue_id for item in await items_of(one)} == {"Q-1", "Q-2"}
    await one.close()
    await other.close()


async def test_two_relays_that_claim_at_once_never_get_the_same(
    place: SpoolPlace, tmp_path: Path, time: Time
):
    one, other = await both(place, tmp_path, time)
    for _ in range(10):
        await one.put([new() for _ in range(20)], content())
    taken: Counter[int] = Counter()
    while claims := await asyncio.gather(*(store.claim(7, NOON) for store in (one, other, one, other))):
        ids = [item.id for items in claims for item in items]
        if not ids:
            break
        taken.update(ids)
    assert len(taken) == 200
    assert set(taken.values()) == {1}
    await one.close()
    await other.close()


async def test_two_relays_that_end_items_of_one_content_leave_nothing_of_it(
    server: PostgreSQL, place: SpoolPlace, tmp_path: Path, time: Time
):
    one, other = await both(place, tmp_path, time)
    for _ in range(20):
        await one.put([new(), new()], content(b"x" * 300_000))
    claims = [(store, item) for store in (one, other) for item in await store.claim(20, NOON)]
    assert len(claims) == 40
    assert all(
        await asyncio.gather(*(store.settle(item, Settlement(frozenset({0}))) for store, item in claims))
    )
    schema = str(place.url).rpartition("%3D")[2]
    counted = server.tell(
        f"SELECT count(*) FROM {schema}.spool_content UNION SELECT count(*) FROM {schema}.spool_piece"
    )
    assert counted.split() == ["0"]
    await one.close()
    await other.close()


async def test_a_dead_relays_claims_return_to_others_when_its_lease_ends(
    place: SpoolPlace, tmp_path: Path, time: Time
):
    dead, alive = await both(place, tmp_path, time)
    await dead.put([new()], content())
    await dead.claim(1, NOON)
    await dead.close()
    assert list(await alive.claim(1, NOON + alive.lease / 2)) == []
    (item,) = await alive.claim(1, NOON + alive.lease)
    assert item.crashes == 1
    await alive.close()


async def test_a_relay_that_starts_again_takes_back_its_own_claims_and_no_others(
    place: SpoolPlace, tmp_path: Path, time: Time
):
    dead, alive = await both(place, tmp_path, time)
    await dead.put([new("Q-1"), new("Q-2")], content())
    (lost,) = await dead.claim(1, NOON)
    (kept,) = await alive.claim(1, NOON)
    await dead.close()
    again = await Store.open(place, now=time.now)
    (item,) = await again.claim(5, NOON)
    assert (item.id, item.crashes) == (lost.id, 1)
    assert await alive.settle(kept, Settlement(frozenset({0})))
    await again.close()
    await alive.close()


async def test_a_second_relay_on_the_same_folder_takes_nobodys_claims(place: SpoolPlace, time: Time):
    first = await Store.open(place, now=time.now)
    await first.put([new()], content())
    (item,) = await first.claim(1, NOON)
    second = await Store.open(place, now=time.now)
    assert list(await second.claim(5, NOON)) == []
    assert not await second.settle(item, Settlement(frozenset({0})))
    assert await first.settle(item, Settlement(frozenset({0})))
    await second.close()
    await first.close()


async def test_a_restart_of_the_server_is_not_noticed(server: PostgreSQL, store: Store):
    await store.put([new("Q-1")], content())
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await store.put([new("Q-2")], content())
    assert (await store.depth()).waiting == 2


async def test_while_the_server_is_away_nothing_is_kept_and_afterwards_all_is_well(
    server: PostgreSQL, store: Store, place: SpoolPlace, time: Time
):
    await store.put([new("Q-1")], content(b"x" * 300_000))
    (item,) = await store.claim(1, NOON)
    await asyncio.to_thread(server.stop)
    try:
        for body in (b"small", b"x" * 300_000):
            with pytest.raises(NotDurableError):
                await store.put([new("Q-2")], content(body))
        with pytest.raises(NotDurableError):
            await store.settle(item, Settlement(frozenset({0})))
        with pytest.raises(UnavailableError):
            await store.depth()
        with pytest.raises(UnavailableError, match="the spool's database cannot be opened") as told:
            await Store.open(place, now=time.now)
        assert "\n" not in str(told.value)
    finally:
        await asyncio.to_thread(server.start)
    assert await octets(store, item) == STAMPED + b"x" * 300_000
    assert await store.settle(item, Settlement(frozenset({0})))
    await store.put([new("Q-3")], content())
    assert await store.depth() == Depth(waiting=1, oldest_at=NOON)


async def test_a_commit_means_stable_storage_whatever_the_server_is_set_to(
    server: PostgreSQL, tmp_path: Path
):
    server.tell("ALTER ROLE relay SET synchronous_commit TO off")
    try:
        store = await Store.open(SpoolPlace(tmp_path, server.database()), now=Time().now)
        found = await store._database.read(
            lambda connection: connection.exec_driver_sql("SHOW synchronous_commit").scalar()
        )
        assert found == "on"
        await store.close()
    finally:
        server.tell("ALTER ROLE relay RESET synchronous_commit")


async def test_fifty_mebibytes_are_put_and_read_a_piece_at_a_time(store: Store, place: SpoolPlace):
    size = 50 * 1024 * 1024
    tracemalloc.start()
    await store.put([new(body_from=0)], Streamed(size))
    (item,) = await store.claim(1, NOON)
    async with store.at_hand(item) as open_item:
        assert sum(map(len, open_item.chunks())) == item.size == size + len(STAMPED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
    assert await store.settle(item, Settlement(frozenset({0})))


async def test_no_question_of_the_runner_reads_every_item_though_the_server_expects_few(store: Store):
    for _ in range(3):
        await store.put([new() for _ in range(1000)], content())
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _u: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        await store.claim(10, NOON)
        await store.claim_suspect(NOON)
        await store.claim_expired(10, NOON, NOON, {"helpdesk"})
        await store.next_due()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)

    def plans(connection: sa.Connection) -> list[str]:
        found = []
        for statement, parameters in asked:
            if "set_config" in statement:
                connection.exec_driver_sql(statement)
            elif statement.startswith(("SELECT", "WITH")):
                rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                found.append(f"{statement}\n" + "\n".join(row[0] for row in rows))
        return found

    for plan in await store._database.read(plans):
        assert "Seq Scan on spool_item" not in plan
        assert "Sort" not in plan


async def test_two_relays_share_two_thousand_messages_and_one_is_killed(place: SpoolPlace, tmp_path: Path):
    names = await filled(place, 2000)
    other = SpoolPlace(tmp_path / "other", place.url)
    first, second = begin(place, "deliver"), begin(other, "deliver")
    killed = asyncio.create_task(asyncio.to_thread(end, first, kill_at=200))
    survivor = await asyncio.to_thread(end, second)
    said = (await killed).about("delivered"), survivor.about("delivered")
    assert first.returncode == KILLED
    assert second.returncode == 0
    assert len(said[0]) > 50, "both had their share"
    assert len(said[1]) > 50
    delivered = said[0] + said[1]
    assert set(delivered) == names
    twice = [name for name, times in delivered.items() if times > 1]
    assert len(twice) <= 7, "only what was in flight"
    assert await emptied(place) == []


async def test_twenty_five_random_moments_of_death_lose_nothing(place: SpoolPlace):
    kept: set[str] = set()
    delivered: Counter[str] = Counter()
    for moment in range(25):
        process = begin(place, "put" if moment % 2 else "deliver")
        said = await asyncio.to_thread(end, process, kill_after=0.02 + 0.37 * (moment * 7 % 25) / 25)
        kept |= set(said.about("kept"))
        delivered.update(said.about("delivered"))
    clock.sleep(LEASE.total_seconds())  # noqa: ASYNC251
    assert kept <= delivered.keys() | set(await emptied(place))
    assert sum(times - 1 for times in delivered.values()) <= 7 * 13


async def test_a_relay_that_comes_back_has_its_own_claims_at_once(
    server: PostgreSQL, tmp_path: Path, time: Time
) -> None:
    """It need not wait for its lease to end; a relay with another state folder must."""
    url = server.database()
    dead = await Store.open(SpoolPlace(tmp_path / "one", url), now=time.now)
    await dead.put([new()], content())
    assert len(await dead.claim(10, time.now())) == 1
    await dead.close()
    other = await Store.open(SpoolPlace(tmp_path / "two", url), now=time.now)
    back = None
    try:
        assert await other.claim(10, time.now()) == []
        back = await Store.open(SpoolPlace(tmp_path / "one", url), now=time.now)
        assert len(await back.claim(10, time.now())) == 1
    finally:
        await other.close()
        if back is not None:
            await back.close()
