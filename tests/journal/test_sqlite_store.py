"""What only the journal's own file has: its size, what is left in it of what was forgotten, a full or broken disk."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from relay.database.engine import sqlite_engine
from relay.errors import NewerSchemaError, NotDurableError, UnavailableError
from relay.journal.query import Query
from relay.journal.store import Journal, JournalPlace, writing
from relay.journal.store.asking import Asking
from tests.journal.entries import NOON, copy
from tests.journal.test_store import found, keep
from tests.samples import BOOK, box

OURS = "care@shop.example"
MIB = 1024 * 1024


async def test_the_file_is_for_us_alone(journal: Journal, place: JournalPlace) -> None:
    await keep(journal, copy(1))
    assert place.folder.stat().st_mode & 0o777 == 0o700


async def test_the_oldest_go_until_the_file_is_small_enough_and_the_file_shrinks(
    journal: Journal, place: JournalPlace
) -> None:
    for start in range(0, 6000, 500):
        await keep(journal, *map(copy, range(start, start + 500)))
    before = (await journal.size()).octets
    assert before > 2 * MIB
    assert await journal.prune(timedelta(0), 2 * MIB, NOON) > 500
    size = await journal.size()
    assert 1 * MIB < size.octets <= 2 * MIB
    assert (await found(journal, 1)) == ["copy-5999"]
    assert await found(journal, about="anna1@mail.example") == []
    await journal.close()
    assert place.file.stat().st_size < before


async def test_nothing_of_what_was_forgotten_is_left_in_the_file(
    journal: Journal, place: JournalPlace
) -> None:
    await keep(journal, copy(4711), copy(2))
    everything = lambda: b"".join(file.read_bytes() for file in place.folder.iterdir())  # noqa: E731
    assert b"anna4711" in everything()
    await journal.forget(box("anna4711@mail.example"))
    assert b"anna4711" not in everything()
    assert b"anna2@" in everything()


async def test_what_is_left_of_the_disk_is_for_mail(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_LEFT_FOR_MAIL", 1 << 60)
    monkeypatch.setattr(writing, "_SHARE_FOR_MAIL", 1)
    with pytest.raises(NotDurableError, match="for mail"):
        await keep(journal, copy(1))
    monkeypatch.undo()
    await keep(journal, copy(2))
    assert await found(journal) == ["copy-2"]


async def test_a_journal_that_a_newer_version_made_is_refused(journal: Journal, place: JournalPlace) -> None:
    await journal.close()
    with closing(sqlite3.connect(place.file)) as raw, raw:
        raw.execute("UPDATE journal_version SET version_num = '9999'")
    with pytest.raises(NewerSchemaError):
        await Journal.open(place)


async def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be used"):
        await Journal.open(JournalPlace(tmp_path / "file" / "journal"))


async def test_a_file_that_was_removed_is_made_anew(journal: Journal, place: JournalPlace) -> None:
    await keep(journal, copy(1))
    for file in place.folder.iterdir():
        file.unlink()
    await keep(journal, copy(2))
    assert await found(journal) == ["copy-2"]


async def test_one_entry_that_cannot_be_written_does_not_take_the_others_along(journal: Journal) -> None:
    """A batch is all or nothing; batches that wait together are not."""
    import asyncio

    broken = [(object(), BOOK)]
    results = await asyncio.gather(
        journal.add([(copy(1), BOOK)]),
        journal.add(broken),
        journal.add([(copy(2), BOOK)]),
        return_exceptions=True,  # type: ignore[arg-type]
    )
    assert [type(result) for result in results] == [type(None), AttributeError, type(None)]
    assert sorted(await found(journal)) == ["copy-1", "copy-2"]


async def test_memory_stays_bounded_while_all_entries_pass_by(journal: Journal) -> None:
    import tracemalloc

    for start in range(0, 4000, 500):
        await keep(journal, *map(copy, range(start, start + 500)))
    tracemalloc.start()
    async for _ in journal.entries(Query()):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * MIB


@pytest.mark.parametrize("before", [None, 3])
@pytest.mark.parametrize(
    "asked", [{"about": OURS}, {"author": OURS}, {"text": OURS}, {"about": OURS, "verdict": "open"}]
)
async def test_an_address_that_nearly_all_entries_name_is_found_without_reading_or_sorting_them_all(
    journal: Journal, place: JournalPlace, asked: dict[str, str], before: int | None
) -> None:
    await keep(journal, *map(copy, range(4)))
    engine = sqlite_engine(place.file)
    asks: list[tuple[str, Any]] = []
    with engine.connect() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *said: asks.append((said[2], said[3])))
        Asking(place).find(connection, Query(**asked), 51, before)  # type: ignore[arg-type]
        steps = [
            step
            for words, values in tuple(asks)
            if "journal_address" in words
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values)
        ]
    engine.dispose()
    assert any("journal_address USING PRIMARY KEY (address=?" in step for step in steps)
    assert not any("TEMP B-TREE" in step or "LIST SUBQUERY" in step for step in steps), steps


def test_the_store_is_only_loaded_where_it_is_needed() -> None:
    code = "import sys, relay.cli, relay.cli.explain; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
