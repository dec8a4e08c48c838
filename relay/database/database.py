"""A database with one writer: what the spool's store and the journal's stand on."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from relay.database.engine import begin_writing, file_mark, postgresql_engine, sqlite_engine, tidy, trouble
from relay.database.version import make_current
from relay.database.writer import CLOSED, P, R, Step, Work, Writer, no_step, tell_nobody
from relay.errors import NotDurableError, UnavailableError

T = TypeVar("T")

_THREADS = 8
"""For reading, and for what is too long to hold the writer up."""


class Database:
    """One area's tables, on SQLite or PostgreSQL; made by ``open_database``, for any number of event loops."""

    def __init__(self, area: str, engine: sa.Engine, file: Path | None, step: Step) -> None:
        """``file`` is SQLite's."""
        self.area = area
        self._engine = engine
        self._file = file
        self._mark: tuple[int, int] | None = None
        self._threads = ThreadPoolExecutor(_THREADS, f"{area}-database")
        self._step = step
        self._closed = False
        self._writer = Writer(self._connected, self._fit, step)

    def prepare(self, *, may_upgrade: bool) -> None:
        """Connect and bring the schema to our version; RelayError says what is wrong."""
        try:
            self._connected(may_upgrade=may_upgrade).close()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            words = trouble(error) or error
            raise UnavailableError(f"the {self.area}'s database cannot be opened: {words}") from error

    async def do(self, work: Work[P, R], payload: P, told: Callable[[R | None], None] = tell_nobody) -> R:
        """Have ``work`` done by the writer, with all others who wait; NotDurableError if it is not committed.

        For ``told`` see ``Writer.do``.
        """
        return await self._writer.do(work, payload, told)

    async def do_apart(self, work: Work[P, R], payload: P) -> R:
        """Have ``work`` done in a transaction of its own, because it takes long; errors as those of ``do``."""
        return await self.in_thread(lambda: self.do_now(work, payload))

    def do_now(self, work: Work[P, R], payload: P) -> R:
        """Do ``work`` here and now in a transaction of its own; errors as those of ``do``."""
        try:
            with self._engine.connect() as connection, begin_writing(connection):
                result = work(connection, [payload])[0]
                self._step("before-commit")
        except Exception as error:
            raise trouble(error) or error from error
        self._step("after-commit")
        return result

    async def read(self, question: Callable[[sa.Connection], T]) -> T:
        """Ask something, in a thread; UnavailableError if there is no answer."""
        return await self.in_thread(lambda: self.ask(question))

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Call something that may block; NotDurableError once we are closed."""
        if self._closed:
            raise NotDurableError(CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    def ask(self, question: Callable[[sa.Connection], T]) -> T:
        """Ask something, here and now; UnavailableError if there is no answer."""
        try:
            with self._engine.connect() as connection, connection.begin():
                return question(connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            words = trouble(error)
            if words is None:
                raise
            raise UnavailableError(f"the {self.area} cannot be read: {words}") from error

    def tidy(self) -> None:
        """Fold SQLite's log into its file, so that nothing deleted stays in it; blocks."""
        with self._engine.connect() as connection:
            tidy(connection)

    def close(self) -> None:
        """Finish what waits and close every connection; blocks until it is done."""
        self._closed = True
        self._writer.close()
        self._threads.shutdown()
        self._engine.dispose()

    def _connected(self, *, may_upgrade: bool = True) -> sa.Connection:
        connection = self._engine.connect()
        try:
            with begin_writing(connection):
                make_current(connection, self.area, may_upgrade=may_upgrade)
            self._mark = file_mark(self._file) if self._file is not None else None
        except BaseException:
            connection.close()
            raise
        return connection

    def _fit(self) -> bool:
        """Return whether SQLite's file is still the one that we have open: one that is removed keeps nothing."""
        if self._file is None or self._mark is None:
            return True
        try:
            return file_mark(self._file) == self._mark
        except OSError:
            self._engine.dispose()
            return False


def open_database(
    area: str,
    *,
    file: Path,
    url: str | None,
    step: Step = no_step,
    may_upgrade: bool = True,
    durable: bool = True,
) -> Database:
    """Open the database at ``url``, or SQLite in ``file``; blocks.  For ``durable`` see ``sqlite_engine``.

    Raises UnavailableError where it cannot be had now, NewerSchemaError where a newer version of us made it.
    """
    engine = sqlite_engine(file, durable=durable) if url is None else postgresql_engine(url)
    database = Database(area, engine, file if url is None else None, step)
    try:
        database.prepare(may_upgrade=may_upgrade)
    except BaseException:
        database.close()
        raise
    return database
