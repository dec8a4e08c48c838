"""Engines: SQLite in a file (WAL, every commit on stable storage) and PostgreSQL by psycopg.

A connection begins a transaction that writes with ``begin_writing``; on SQLite that waits for the file's one
write lock at once, so that a transaction never fails half way because another one was quicker.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError

from relay.errors import NotDurableError, UnavailableError

LOCK_SECONDS = 10
"""How long one process waits for another's write lock on SQLite."""
_PRAGMAS = ("journal_mode=WAL", "foreign_keys=ON", "temp_store=MEMORY", "journal_size_limit=8388608")
_DURABLE = (
    "synchronous=FULL",
    "secure_delete=FAST",  # Debian's default writes every deleted page: on a full disk nothing could be deleted
)
_FORGETFUL = (
    "auto_vacuum=INCREMENTAL",  # first: it only takes in a new file
    "synchronous=NORMAL",  # a power cut may take the last commits; the file stays whole
    "secure_delete=ON",
)
_PREFER_INDEXES = (
    "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)"
)
_ROWS_AT_ONCE = 50
"""By one statement on SQLite: Python's module gives the interpreter up and takes it back for each of them."""
_DRAW = sa.text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :number)")
_PAGE = 4096
_OUR_FAULTS = (
    *(DataError, IntegrityError, ProgrammingError),
    *(sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError),
)
_LOG_SHARE = 40
"""SQLite's log is folded into the file before it takes more than this part of a small disk."""


def sqlite_engine(file: Path, *, durable: bool = True) -> sa.Engine:
    """Return an engine on ``file``, which is made when the first connection needs it.

    Not ``durable``: what is deleted leaves no octet behind and gives its room back, and a commit costs no fsync.
    """
    engine = sa.create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False, "cached_statements": 256},
        pool_size=4,
        max_overflow=-1,
    )
    sa.event.listen(engine, "connect", lambda raw, _record: _set_sqlite_up(raw, file.parent, durable=durable))
    sa.event.listen(engine, "begin", _begin_on_sqlite)
    return engine


def postgresql_engine(url: str) -> sa.Engine:
    """Return an engine on the server of a ``postgresql://`` URL; UnavailableError if that is none."""
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise UnavailableError("that is no URL of a database; write postgresql://user@host/name") from None
    engine = sa.create_engine(
        parsed,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "application_name": "helpdesk-relay",
            "client_encoding": "utf8",
        },
        pool_size=4,
        max_overflow=-1,
        hide_parameters=True,
    )
    sa.event.listen(engine, "connect", _set_postgresql_up)
    return engine


def is_sqlite(connection: sa.Connection) -> bool:
    """Return whether ``connection`` leads to SQLite."""
    return connection.dialect.name == "sqlite"


def begin_writing(connection: sa.Connection) -> sa.RootTransaction:
    """Begin a transaction that writes."""
    return connection.execution_options(writes=True).begin()


def insert_rows(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Sequence[tuple[object, ...]],
    else_: str = "",
) -> None:
    """Insert rows of plain values, as they are: a tenth of what SQLAlchemy's own way to many rows costs.

    ``else_``: what is done on a conflict, in words that both engines know.
    """
    if is_sqlite(connection):
        for words, values in _inserts(table, columns, rows, else_):
            run_on_sqlite(connection, words, values)
    elif rows:
        marks = ", ".join(["%s"] * len(columns))
        connection.exec_driver_sql(f"{_into(table, columns)} ({marks}) {else_}", list(rows))


def insert_new(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> Sequence[int]:
    """Insert rows as ``insert_rows`` does, but for their ``id``, which is the next free one; return the ids."""
    if not is_sqlite(connection):
        ids = connection.execute(_DRAW, {"table": table.name, "number": len(rows)}).scalars().all()
        insert_rows(
            connection, table, ("id", *columns), [(key, *row) for key, row in zip(ids, rows, strict=True)]
        )
        return ids
    found: list[int] = []
    for words, values in _inserts(table, columns, rows):
        last = _driver(connection).execute(words, values).lastrowid
        found += range(last - len(values) // len(columns) + 1, last + 1)  # nobody else writes meanwhile
    return found


def _into(table: sa.Table, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES"


def _inserts(
    table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]], else_: str = ""
) -> Iterator[tuple[str, tuple[object, ...]]]:
    into = _into(table, columns)
    marks = f"({', '.join('?' * len(columns))})"
    for begin in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[begin : begin + _ROWS_AT_ONCE]
        yield f"{into} {', '.join([marks] * len(some))} {else_}", tuple(chain.from_iterable(some))


def run_for_ids(
    connection: sa.Connection, words: str, ids: Sequence[int], more: str | int
) -> Sequence[tuple[Any, ...]]:
    """Execute ``words``, where ``{ids}`` stands for ``ids`` and a later ``{more}`` for ``more``; return the rows."""
    whole = _with_marks(connection, words, len(ids))
    if is_sqlite(connection):
        return run_on_sqlite(connection, whole, (*ids, more))
    rows: Any = connection.exec_driver_sql(whole, (*ids, more)).all()
    return list(rows)


def change_for_ids(connection: sa.Connection, words: str, ids: Sequence[int], more: str | int) -> int:
    """Execute ``words`` as ``run_for_ids`` does; return how many rows they changed, which costs less than naming them."""
    whole = _with_marks(connection, words, len(ids))
    execute = _driver(connection).execute if is_sqlite(connection) else connection.exec_driver_sql
    return int(execute(whole, (*ids, more)).rowcount)


def _with_marks(connection: sa.Connection, words: str, count: int) -> str:
    mark = "?" if is_sqlite(connection) else "%s"
    return words.format(ids=", ".join([mark] * count), more=mark)


def run_on_sqlite(
    connection: sa.Connection, words: str, values: Sequence[object] = ()
) -> Sequence[tuple[Any, ...]]:
    """Execute ``words`` by the driver itself and return the rows.

    For statements that come with every message: SQLAlchemy's own way takes ten times as long.  Errors are those of
    ``sqlite3``, which ``trouble`` knows too.
    """
    rows: list[tuple[Any, ...]] = _driver(connection).execute(words, values).fetchall()
    return rows


def _driver(connection: sa.Connection) -> Any:
    """Return the connection of the driver's own."""
    return connection.connection.driver_connection


def prefer_indexes(connection: sa.Connection) -> None:
    """Let PostgreSQL follow an index in its order until the end of this transaction.

    Its statistics of a queue are those of a quiet hour: with a hundred thousand rows that came since, it would sort
    them all for the first fifty.
    """
    if not is_sqlite(connection):
        connection.exec_driver_sql(_PREFER_INDEXES)


def tidy(connection: sa.Connection) -> None:
    """Move SQLite's log into its file and give the log's room back, as far as nobody reads; else do nothing."""
    if is_sqlite(connection):
        _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()


def file_mark(file: Path) -> tuple[int, int]:
    """Return what changes when ``file`` becomes another one; OSError if it is gone."""
    found = os.stat(file)  # noqa: PTH116  # before every transaction
    return found.st_dev, found.st_ino


def free_share(folder: Path) -> tuple[int, int]:
    """Return how many octets we may still write below ``folder``, and how many its disk has in all."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize


def reusable(connection: sa.Connection) -> int:
    """Return how many octets of SQLite's file are free for what comes next; the file itself never shrinks."""
    pages: int = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return pages * _PAGE


def trouble(error: BaseException) -> NotDurableError | None:
    """Return the error of a database that cannot do its work now; None for one of ours."""
    if isinstance(error, NotDurableError):
        return error
    if isinstance(error, OSError):
        return NotDurableError(f"the disk does not do its work: {error.strerror or error}")
    if isinstance(error, DBAPIError | sqlite3.Error) and not isinstance(error, _OUR_FAULTS):
        told = error.orig if isinstance(error, DBAPIError) else error
        return NotDurableError(f"the database does not do its work: {_first_line(told)}")
    return None


def _first_line(error: object) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _set_sqlite_up(raw: sqlite3.Connection, folder: Path, *, durable: bool) -> None:
    raw.isolation_level = None  # transactions begin when we say so
    _, whole = free_share(folder)
    log_pages = max(50, min(1000, whole // _LOG_SHARE // _PAGE))
    cursor = raw.cursor()
    for pragma in (*(_DURABLE if durable else _FORGETFUL), *_PRAGMAS, f"wal_autocheckpoint={log_pages}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_on_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    run_on_sqlite(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_postgresql_up(raw: Any, _record: object) -> None:
    """Make a commit mean stable storage, where the server's own setting says otherwise."""
    with raw.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone() == ("off",):
            cursor.execute("SET synchronous_commit TO on")
    raw.commit()
