"""A database that another program has in hand, or that breaks, gives an error of ours."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from relay.database import engine
from relay.database.database import open_database
from relay.database.engine import run_on_sqlite
from relay.errors import NotDurableError, UnavailableError


@pytest.fixture(autouse=True)
def _without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOCK_SECONDS", 0.1)


def test_a_file_that_another_program_has_locked_cannot_be_opened_and_the_error_says_so(tmp_path: Path):
    file = tmp_path / "spool.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="database is locked"):
            open_database("spool", file=file, url=None)


def test_a_statement_by_the_driver_itself_that_fails_is_trouble_like_any_other(tmp_path: Path):
    file = tmp_path / "spool.sqlite"
    database = open_database("spool", file=file, url=None)

    def wait(connection: sa.Connection, _: object = None) -> list[None]:
        run_on_sqlite(connection, "INSERT INTO spool_content (begins_at, size, uses) VALUES (0, 0, 0)")
        return [None]

    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(NotDurableError, match="database is locked"):
                database.do_now(wait, None)
            with pytest.raises(UnavailableError, match=r"cannot be read: .*database is locked"):
                database.ask(wait)
    finally:
        database.close()
