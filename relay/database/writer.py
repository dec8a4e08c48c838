"""One thread that writes: whoever waits shares the next transaction, so that all of them cost one fsync.

Each future is resolved after the commit.  Where a transaction fails for a reason of its own, its parts are tried
one by one, so that one bad part fails alone; where the database fails, all parts get NotDurableError and the next
transaction begins on a new connection.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import sleep
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from relay.database.engine import begin_writing, tidy, trouble
from relay.errors import NotDurableError

P = TypeVar("P")
R = TypeVar("R")

Work = Callable[[sa.Connection, Sequence[P]], Sequence[R]]
"""Does the same for each of several payloads, in one transaction, and returns a result for each."""
Step = Callable[[str], None]
"""Is told when a named step is reached: where crash tests end the process."""

GROUP_AT_MOST = 256
COMPANY = 3
"""Parts of a transaction behind which the next one waits a moment for more to come."""
_MOMENT = 0.0005
"""Seconds.  Every statement has to get the interpreter from the event loop and back, whatever it is for: fewer of them pay."""
CLOSED = "the database is closed"


def no_step(name: str) -> None:
    """Let a step pass."""


def tell_nobody(_: object) -> None:
    """Let a result pass."""


@dataclass(slots=True)
class _Job:
    work: Work[Any, Any]
    payload: Any
    future: asyncio.Future[Any]
    told: Callable[[Any], None]
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Attempt:
    """How far a transaction came; after ``committing`` nobody knows what a broken connection means."""

    jobs: Sequence[_Job]
    committing: bool = False


class Writer:
    """Takes work from any event loop."""

    def __init__(self, connect: Callable[[], sa.Connection], fit: Callable[[], bool], step: Step) -> None:
        """``connect`` opens a connection; where ``fit`` says no, the one that is open is not used any more."""
        self._connect = connect
        self._fit = fit
        self._step = step
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._connection: sa.Connection | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def do(self, work: Work[P, R], payload: P, told: Callable[[R | None], None] = tell_nobody) -> R:
        """Have ``work`` done and return its result once it is committed; NotDurableError if it is not.

        ``told`` is called with it before, in this loop, even where whoever waited is gone; with None after an error.
        """
        if self._closed:
            raise NotDurableError(CLOSED)
        job = _Job(work, payload, asyncio.get_running_loop().create_future(), told)
        self._waiting.put(job)
        return cast("R", await job.future)

    def close(self) -> None:
        """Finish what waits and end the thread; blocks until it has ended."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_for_work, company = True, False
        while open_for_work:
            jobs, open_for_work = self._next_group(patient=company)
            company = len(jobs) >= COMPANY
            if jobs:
                self._commit(jobs)
                _tell(jobs)
        self._drop_connection()
        self._refuse_the_rest()

    def _next_group(self, *, patient: bool) -> tuple[list[_Job], bool]:
        """Wait for work, a moment longer if ``patient``; return all that waits, and whether more may come."""
        jobs: list[_Job] = []
        job = self._waiting.get()
        if patient and job is not None:
            sleep(_MOMENT)
        while job is not None:
            jobs.append(job)
            if len(jobs) == GROUP_AT_MOST:
                return jobs, True
            try:
                job = self._waiting.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _refuse_the_rest(self) -> None:
        """Answer what came while we were closing."""
        with contextlib.suppress(Empty):
            while True:
                job = self._waiting.get_nowait()
                if job is not None:
                    job.error = NotDurableError(CLOSED)
                    _tell([job])

    def _commit(self, jobs: Sequence[_Job]) -> None:
        error = self._tried(jobs)
        if error is None:
            return
        if len(jobs) > 1 and (isinstance(error, NotDurableError) or trouble(error) is None):
            for job in jobs:  # one of them is to blame: each by itself
                self._commit([job])
            return
        for job in jobs:
            job.error = trouble(error) or error

    def _tried(self, jobs: Sequence[_Job]) -> BaseException | None:
        """Do one transaction; once more where the connection was lost before anything could be committed."""
        attempt = _Attempt(jobs)
        error = self._attempted(attempt)
        if isinstance(error, DBAPIError) and error.connection_invalidated and not attempt.committing:
            error = self._attempted(attempt)
        return error

    def _attempted(self, attempt: _Attempt) -> BaseException | None:
        try:
            if not self._fit():
                self._drop_connection()
            if self._connection is None:
                self._connection = self._connect()
            with begin_writing(self._connection) as transaction:
                _do(self._connection, attempt.jobs)
                self._step("before-commit")
                attempt.committing = True
                transaction.commit()
            self._step("after-commit")
        except Exception as error:
            if not isinstance(error, NotDurableError) and trouble(error) is not None:
                self._drop_connection()
            return error
        return None

    def _drop_connection(self) -> None:
        """Close the connection, whatever state it is in; on SQLite this also gives room in the log back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(Exception):
            tidy(connection)
        with contextlib.suppress(Exception):
            connection.invalidate()
        with contextlib.suppress(Exception):
            connection.close()


def _do(connection: sa.Connection, jobs: Sequence[_Job]) -> None:
    """Do all jobs, those of a kind at once."""
    kinds: dict[Work[Any, Any], list[_Job]] = {}
    for job in jobs:
        kinds.setdefault(job.work, []).append(job)
    for work, same in kinds.items():
        for job, result in zip(same, work(connection, [job.payload for job in same]), strict=True):
            job.result, job.error = result, None


def _tell(jobs: Iterable[_Job]) -> None:
    """Resolve the futures, each in its own loop, with one call into each loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        loops.setdefault(job.future.get_loop(), []).append(job)
    for loop, same in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, same)


def _resolve(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.told(job.result if job.error is None else None)
        if job.future.done():  # given up by whoever waited
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
