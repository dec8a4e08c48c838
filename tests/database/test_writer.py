"""One thread writes for all who wait."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from relay.database.engine import sqlite_engine, trouble
from relay.database.writer import COMPANY, GROUP_AT_MOST, Writer
from relay.errors import NotDurableError


class Bench:
    """A writer on a table of words, and everything that happens to it."""

    def __init__(self, file: Path) -> None:
        self.engine = sqlite_engine(file)
        with self.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE word (text TEXT UNIQUE)")
        self.connections = 0
        self.groups: list[int] = []
        self.steps: list[str] = []
        self.fit = True
        self.at_step: Callable[[str], None] = lambda name: None
        self.writer = Writer(self._connect, lambda: self.fit, self._step)

    def _connect(self) -> sa.Connection:
        self.connections += 1
        return self.engine.connect()

    def _step(self, name: str) -> None:
        self.steps.append(name)
        self.at_step(name)

    def add(self, connection: sa.Connection, words: Sequence[str]) -> list[str]:
        self.groups.append(len(words))
        for word in words:
            connection.exec_driver_sql("INSERT INTO word VALUES (?)", (word,))
        return [word.upper() for word in words]

    def words(self) -> list[str]:
        with self.engine.connect() as connection:
            return sorted(connection.exec_driver_sql("SELECT text FROM word").scalars())

    def close(self) -> None:
        self.writer.close()
        self.engine.dispose()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "words.sqlite")
    yield made
    made.close()


def held_up(bench: Bench) -> threading.Event:
    """Hold the next transaction up until the event is set."""
    go = threading.Event()

    def hold(name: str) -> None:
        go.wait(10)

    bench.at_step = hold
    return go


async def test_each_gets_its_own_result(bench: Bench):
    results = await asyncio.gather(*(bench.writer.do(bench.add, word) for word in "abc"))
    assert results == ["A", "B", "C"]
    assert bench.words() == ["a", "b", "c"]


async def test_all_who_wait_share_the_next_transaction(bench: Bench):
    go = held_up(bench)
    words = [f"{n:03}" for n in range(GROUP_AT_MOST + 10)]
    waiting = [asyncio.create_task(bench.writer.do(bench.add, word)) for word in words]
    await asyncio.sleep(0.05)
    go.set()
    await asyncio.gather(*waiting)
    assert max(bench.groups) <= GROUP_AT_MOST
    assert bench.steps.count("after-commit") <= 4
    assert bench.words() == words


async def test_waits_for_more_only_behind_a_transaction_that_several_shared(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    pauses: list[float] = []
    monkeypatch.setattr("relay.database.writer.sleep", pauses.append)
    for word in "ab":
        await bench.writer.do(bench.add, word)
    go = held_up(bench)
    alone = asyncio.create_task(bench.writer.do(bench.add, "c"))
    while len(bench.groups) < 3:
        await asyncio.sleep(0.001)
    together = [asyncio.create_task(bench.writer.do(bench.add, f"d{n}")) for n in range(COMPANY)]
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(alone, *together)
    assert (bench.groups[3:], pauses) == ([COMPANY], [])
    await bench.writer.do(bench.add, "e")
    assert len(pauses) == 1
    await bench.writer.do(bench.add, "f")
    assert len(pauses) == 1


async def test_one_that_is_to_blame_fails_alone(bench: Bench):
    await bench.writer.do(bench.add, "c")
    go = held_up(bench)
    waiting = [asyncio.create_task(bench.writer.do(bench.add, word)) for word in "abcd"]
    await asyncio.sleep(0.02)
    go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [result for result in results if isinstance(result, str)] == ["A", "B", "D"]
    assert isinstance(results[2], sa.exc.IntegrityError)
    assert bench.words() == list("abcd")


async def test_trouble_fails_all_and_the_next_transaction_has_a_new_connection(bench: Bench):
    def fail(name: str) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    bench.at_step = fail
    results = await asyncio.gather(
        *(bench.writer.do(bench.add, word) for word in "abc"), return_exceptions=True
    )
    assert all(isinstance(result, NotDurableError) for result in results)
    connections = bench.connections
    bench.at_step = lambda name: None
    assert await bench.writer.do(bench.add, "d") == "D"
    assert bench.connections == connections + 1
    assert bench.words() == ["d"]


async def test_a_connection_lost_before_the_commit_is_replaced_and_nobody_notices(bench: Bench):
    lost = [True]

    def lose(connection: sa.Connection, words: Sequence[str]) -> list[str]:
        if lost:
            lost.clear()
            cause = sqlite3.OperationalError("server closed the connection unexpectedly")
            raise sa.exc.OperationalError("INSERT", None, cause, connection_invalidated=True)
        return bench.add(connection, words)

    assert await bench.writer.do(lose, "a") == "A"
    assert bench.connections == 2


async def test_a_connection_lost_during_the_commit_is_told_as_not_durable(bench: Bench):
    def lose(connection: sa.Connection, words: Sequence[str]) -> list[str]:
        real = connection.engine.dialect.do_commit

        def failing(raw: Any) -> None:
            connection.engine.dialect.do_commit = real  # type: ignore[method-assign]
            cause = sqlite3.OperationalError("server closed the connection unexpectedly")
            raise sa.exc.OperationalError("COMMIT", None, cause, connection_invalidated=True)

        connection.engine.dialect.do_commit = failing  # type: ignore[method-assign]
        return bench.add(connection, words)

    with pytest.raises(NotDurableError):
        await bench.writer.do(lose, "a")
    assert bench.words() == []


async def test_a_connection_that_is_not_fit_any_more_is_not_used(bench: Bench):
    await bench.writer.do(bench.add, "a")
    bench.fit = False
    await bench.writer.do(bench.add, "b")
    assert bench.connections == 2


async def test_who_does_not_wait_any_more_disturbs_nobody(bench: Bench):
    go = held_up(bench)
    gone, here = (asyncio.create_task(bench.writer.do(bench.add, word)) for word in "ab")
    await asyncio.sleep(0.02)
    gone.cancel()
    go.set()
    assert await here == "B"
    assert bench.words() == ["a", "b"]


def test_several_event_loops_may_share_a_writer_and_one_may_go_away(bench: Bench):
    async def leave() -> None:
        task = asyncio.create_task(bench.writer.do(bench.add, "left"))
        await asyncio.sleep(0)
        task.cancel()

    go = held_up(bench)
    asyncio.run(leave())
    go.set()
    assert asyncio.run(bench.writer.do(bench.add, "here")) == "HERE"
    assert bench.words() == ["here", "left"]


async def test_a_closed_writer_finishes_what_waits_and_takes_nothing_more(bench: Bench):
    go = held_up(bench)
    waiting = [asyncio.create_task(bench.writer.do(bench.add, word)) for word in "ab"]
    await asyncio.sleep(0.02)
    closing = asyncio.get_running_loop().run_in_executor(None, bench.writer.close)
    await asyncio.sleep(0.02)
    go.set()
    await closing
    assert await asyncio.gather(*waiting) == ["A", "B"]
    with pytest.raises(NotDurableError, match="closed"):
        await bench.writer.do(bench.add, "c")
    bench.writer = Writer(bench._connect, lambda: True, lambda name: None)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (OSError(28, "No space left on device"), False),
        (sqlite3.DatabaseError("file is not a database"), False),
        (sqlite3.OperationalError("database is locked"), False),
        (sqlite3.InterfaceError("bad parameter or other API misuse"), False),
        (sqlite3.IntegrityError("twice"), True),
        (sqlite3.ProgrammingError("no such table"), True),
        (sa.exc.OperationalError("", None, sqlite3.OperationalError("locked")), False),
        (sa.exc.InterfaceError("", None, sqlite3.InterfaceError()), False),
        (sa.exc.IntegrityError("", None, sqlite3.IntegrityError("twice")), True),
        (sa.exc.ProgrammingError("", None, sqlite3.ProgrammingError("no such table")), True),
        (ValueError("a bug"), True),
    ],
    ids=repr,
)
def test_the_databases_trouble_is_told_from_our_own_faults(error: Exception, ours: bool):
    assert (trouble(error) is None) is ours
