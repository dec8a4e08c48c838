"""What a store promises on SQLite and its disk: files, sweeping, trouble and recovery, one fsync for many."""

import asyncio
import errno
import shutil
import sqlite3
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from relay.errors import DamagedItemError, NotDurableError, UnavailableError
from relay.mail.content import HeldContent
from relay.spool.item import Depth, Settlement
from relay.spool.store import SpoolPlace, Store
from relay.spool.store.folder import Folder
from relay.spool.store.kept import pieces_of
from tests.spool.mail import NOON, STAMPED, Time, content, items_of, new, octets

LARGE = b"x" * 200_000


class Trouble:
    """Steps that are counted, and fail when they are told to."""

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.failing: dict[str, BaseException] = {}

    def __call__(self, name: str) -> None:
        self.steps[name] += 1
        if name in self.failing:
            raise self.failing[name]


def files(place: SpoolPlace) -> list[Path]:
    return sorted((place.folder / "contents").iterdir())


async def test_a_small_content_is_in_the_row_and_a_large_one_in_a_file(store: Store, place: SpoolPlace):
    await store.put([new("Q-1")], content(b"x" * 131_072))
    assert files(place) == []
    await store.put([new("Q-2")], content(b"x" * 131_073))
    (file,) = files(place)
    assert file.stat().st_size == 131_073
    assert (file.stat().st_mode | place.folder.stat().st_mode) & 0o077 == 0


async def test_a_file_goes_with_the_last_item_that_needs_it(store: Store, place: SpoolPlace):
    await store.put([new("Q-1"), new("Q-2"), new("Q-3")], content(LARGE))
    first, second, third = await store.claim(3, NOON)
    await asyncio.gather(*(store.settle(item, Settlement(frozenset({0}))) for item in (first, second)))
    assert len(files(place)) == 1
    await store.delete([third.id])
    assert files(place) == []


async def test_octets_at_hand_stay_readable_when_the_item_is_deleted(store: Store):
    await store.put([new()], content(LARGE))
    (item,) = await store.claim(1, NOON)
    async with store.at_hand(item) as open_item:
        chunks = open_item.chunks()
        assert next(chunks) == STAMPED
        await store.delete([item.id])
        assert b"".join(chunks) == LARGE


async def test_a_file_that_is_gone_or_cut_is_a_damaged_item(store: Store, place: SpoolPlace):
    await store.put([new()], content(LARGE))
    (item,) = await store.claim(1, NOON)
    (file,) = files(place)
    file.write_bytes(LARGE[:-1])
    with pytest.raises(DamagedItemError, match="has 199999 octets instead of 200000"):
        await octets(store, item)
    file.unlink()
    with pytest.raises(DamagedItemError, match="is gone"):
        await octets(store, item)


async def test_what_a_crash_left_behind_is_swept_at_the_next_start(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    await store.put([new()], content(LARGE))
    await store.close()
    (needed,) = files(place)
    (place.folder / "contents" / "0123.new").write_bytes(b"half")
    (place.folder / "contents" / "4567").write_bytes(b"whole, but its commit never came")
    again = await Store.open(place, now=time.now)
    assert files(place) == [needed]
    await again.close()


async def test_claims_of_a_dead_relay_return_at_the_next_start(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    await store.put([new("Q-1"), new("Q-2")], content())
    _, second = await store.claim(2, NOON)
    await store.hold([second.id])
    await store.close()
    again = await Store.open(place, now=time.now)
    assert await again.depth() == Depth(waiting=1, held=1, oldest_at=NOON)
    (item,) = await again.claim(5, NOON)
    assert item.crashes == 1
    await again.close()


async def test_where_another_relay_serves_nothing_is_swept_and_no_claim_returns(
    store: Store, place: SpoolPlace, time: Time
):
    await store.put([new()], content())
    await store.claim(1, NOON)
    being_written = place.folder / "contents" / "0123.new"
    being_written.write_bytes(b"half")
    second = await Store.open(place, now=time.now)
    beside = await Store.open(place, now=time.now, serving=False)
    assert being_written.exists()
    assert (await second.depth()).in_hand == 1
    await second.close()
    await beside.close()


async def test_a_command_makes_no_spool_where_there_is_none(tmp_path: Path, time: Time):
    place = SpoolPlace(tmp_path / "nothing")
    with pytest.raises(UnavailableError, match=r"there is no spool in .*nothing yet"):
        await Store.open(place, now=time.now, serving=False)
    assert not place.folder.exists()


async def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path, time: Time):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match=r"the folder .*spool cannot be used: Not a directory"):
        await Store.open(SpoolPlace(tmp_path / "file" / "spool"), now=time.now)


async def test_a_lock_that_cannot_be_had_is_said_in_one_sentence(tmp_path: Path, time: Time):
    (tmp_path / "lock").mkdir()
    with pytest.raises(UnavailableError, match=r"the spool in .* cannot be used: .*Is a directory"):
        await Store.open(SpoolPlace(tmp_path), now=time.now)


async def test_a_file_that_is_no_database_is_said_in_one_sentence(tmp_path: Path, time: Time):
    place = SpoolPlace(tmp_path)
    place.file.write_text("no database " * 100)
    with pytest.raises(UnavailableError, match=r"cannot be opened: .*file is not a database"):
        await Store.open(place, now=time.now)


async def test_all_who_wait_share_one_commit(place: SpoolPlace, time: Time):
    trouble = Trouble()
    store = await Store.open(place, now=time.now, step=trouble)
    await asyncio.gather(*(store.put([new(f"Q-{n}")], content()) for n in range(200)))
    assert trouble.steps["after-commit"] <= 5
    await store.close()


async def test_a_put_that_cannot_be_written_fails_alone(store: Store):
    bad = new("bad", body_from=1 << 70)  # more than a column holds
    puts = [store.put([bad if n == 7 else new(f"Q-{n}")], content()) for n in range(20)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [7]
    assert (await store.depth()).waiting == 19


@pytest.mark.parametrize("body", [b"small", LARGE])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        sqlite3.OperationalError("database or disk is full"),
        sa.exc.OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error")),
    ],
    ids=repr,
)
async def test_what_could_not_be_committed_is_not_there_by_halves_and_the_next_put_goes_well(
    place: SpoolPlace, time: Time, error: Exception, body: bytes
):
    trouble = Trouble()
    store = await Store.open(place, now=time.now, step=trouble)
    trouble.failing["before-commit"] = error
    puts = await asyncio.gather(
        *(store.put([new()], content(body)) for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(result, NotDurableError) for result in puts)
    assert await store.depth() == Depth()
    assert files(place) == []
    trouble.failing.clear()
    await store.put([new()], content(body))
    (item,) = await store.claim(5, NOON)
    assert await octets(store, item) == STAMPED + body
    await store.close()


async def test_a_spool_whose_folder_went_away_takes_mail_again_when_it_is_back(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    await store.put([new("Q-1")], content())
    away = place.folder.with_name("away")
    place.folder.rename(away)
    for body in (b"small", LARGE):
        with pytest.raises(NotDurableError):
            await store.put([new("Q-2")], content(body))
    away.rename(place.folder)
    await store.put([new("Q-3")], content())
    assert [item.queue_id for item in await items_of(store)] == ["Q-1", "Q-3"]
    await store.close()


async def test_nothing_is_ever_written_to_a_file_that_was_removed(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    await store.put([new("Q-1")], content())
    shutil.rmtree(place.folder)
    with pytest.raises(NotDurableError):
        await store.put([new("Q-2")], content())
    (place.folder / "contents").mkdir(parents=True)
    await store.put([new("Q-3")], content())
    await store.close()
    again = await Store.open(place, now=time.now)
    assert [item.queue_id for item in await items_of(again)] == ["Q-3"]
    await again.close()


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("free", "whole", "size", "reusable", "room"),
    [
        (100 * MIB, 1000 * MIB, MIB, 0, True),
        (33 * MIB, 1000 * MIB, MIB, 0, True),
        (33 * MIB, 1000 * MIB, MIB + 1, 0, False),
        (33 * MIB, 1000 * MIB, 2 * MIB, MIB, True),  # room inside the file counts
        (16 * MIB, 1000 * MIB, MIB, 17 * MIB, True),
        (16 * MIB - 1, 1000 * MIB, MIB, 900 * MIB, False),  # but the log needs room of its own
        (2 * MIB, 10 * MIB, MIB, 0, True),  # of a small disk a tenth is kept
        (2 * MIB, 10 * MIB, MIB + 1, 0, False),
    ],
)
def test_new_mail_leaves_room_to_take_mail_out(
    tmp_path: Path, free: int, whole: int, size: int, reusable: int, room: bool
):
    folder = Folder(tmp_path, lambda _: (free, whole))
    if room:
        folder.require_room(size, lambda: reusable)
    else:
        with pytest.raises(NotDurableError, match="nearly full"):
            folder.require_room(size, lambda: reusable)


async def test_an_end_that_could_not_be_committed_can_be_told_again(place: SpoolPlace, time: Time):
    trouble = Trouble()
    store = await Store.open(place, now=time.now, step=trouble)
    await store.put([new()], content(LARGE))
    (item,) = await store.claim(1, NOON)
    trouble.failing["before-commit"] = OSError(errno.EIO, "Input/output error")
    report = (new("R-1", head=b"", body_from=0), b"r" * 200_000)
    with pytest.raises(NotDurableError, match="Input/output error"):
        await store.settle(item, Settlement(frozenset({0})), [report])
    assert len(files(place)) == 1
    trouble.failing.clear()
    assert await store.settle(item, Settlement(frozenset({0})), [report])
    (left,) = await items_of(store)
    assert left.queue_id == "R-1"
    assert len(files(place)) == 1
    await store.close()


async def test_a_cancelled_put_is_there_as_a_whole_or_not_at_all(place: SpoolPlace, time: Time):
    store = await Store.open(place, now=time.now)
    puts = [asyncio.create_task(store.put([new(f"Q-{n}")], content(LARGE))) for n in range(8)]
    for number, put in enumerate(puts):
        await asyncio.sleep(0.001 * number)
        put.cancel()
    await asyncio.gather(*puts, return_exceptions=True)
    await store.close()
    again = await Store.open(place, now=time.now)
    items = await items_of(again)
    assert [await octets(again, item) for item in items] == [STAMPED + LARGE] * len(items)
    assert len(files(place)) == len(items)
    await again.close()


async def test_a_closed_store_says_so(store: Store, place: SpoolPlace, time: Time):
    closed = await Store.open(place, now=time.now, serving=False)
    await closed.close()
    for body in (b"small", LARGE):
        with pytest.raises(NotDurableError, match="closed"):
            await closed.put([new()], content(body))


class Streamed:
    """A large content that is never in memory as a whole."""

    head = b""
    head_is_whole = True

    def __init__(self, size: int) -> None:
        self.size = size

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        left = self.size - offset
        while left > 0:
            yield b"x" * min(left, 262_144)
            left -= 262_144


async def test_fifty_mebibytes_are_put_and_read_a_piece_at_a_time(store: Store):
    size = 50 * 1024 * 1024
    tracemalloc.start()
    await store.put([new(body_from=0)], Streamed(size))
    (item,) = await store.claim(1, NOON)
    async with store.at_hand(item) as open_item:
        assert sum(map(len, open_item.chunks())) == item.size == size + len(STAMPED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize("size", [1, 7, 262_143, 262_144, 262_145, 600_000])
def test_pieces_are_all_octets_in_order_and_none_is_too_large(size: int):
    octets = bytes(range(256)) * 3000
    chunks: Iterable[bytes] = (
        octets[at : at + size] for at in range(0, len(octets) if size > 6 else 5000, size)
    )
    pieces = list(pieces_of(chunks))
    assert b"".join(pieces) == (octets if size > 6 else octets[:5000])
    assert [len(piece) for piece in pieces[:-1]] == [262_144] * (len(pieces) - 1)


@pytest.mark.parametrize(
    "claim",
    [
        lambda store: store.claim(50, NOON),
        lambda store: store.claim_suspect(NOON),
        lambda store: store.claim_expired(50, NOON, NOON - timedelta(days=5), {"helpdesk"}),
        lambda store: store.next_due(),
        lambda store: store.depth(),
    ],
)
async def test_no_question_of_the_runner_reads_every_item(
    store: Store, place: SpoolPlace, claim: Callable[[Store], object]
):
    asked: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        await claim(store)  # type: ignore[misc]
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(place.file)) as raw:
        for statement in asked:
            if not statement.startswith(("SELECT", "WITH")):
                continue
            marks = statement.count("?")
            for _, _, _, plan in raw.execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * marks):
                few = "COVERING INDEX" in plan or "INDEX spool_item_claimed" in plan
                assert few or not plan.startswith(("SCAN spool_item", "SCAN spool_content")), (
                    statement,
                    plan,
                )
                assert "TEMP B-TREE" not in plan, (statement, plan)


def test_opening_a_spool_of_our_version_needs_no_alembic(place: SpoolPlace):
    program = f"""
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from relay.spool.store import SpoolPlace, Store
async def main():
    store = await Store.open(SpoolPlace(Path({str(place.folder)!r})), now=lambda: datetime.now(UTC))
    await store.close()
asyncio.run(main())
print("alembic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


async def test_a_held_content_that_lies_about_its_size_is_not_kept(store: Store, place: SpoolPlace):
    class Lying(HeldContent):
        @property
        def size(self) -> int:
            return super().size + 1

    with pytest.raises(NotDurableError, match="gave"):
        await store.put([new()], Lying(STAMPED + LARGE))
    assert files(place) == []
