"""Connections that are kept for each hop: never more than so many, handed out first come, first served.

A connection belongs to whoever acquired it until it is released; only a usable one is kept, for half a
minute and a thousand transactions.  A hop that has just failed is tried again all the same: whoever has
another place for the mail (the next MX, the spool) asks ``recently_failed`` first, and pass-through,
which has none, does not ask, because the client's next attempt costs more than one refused connect.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from relay.delivery.client import Connection
from relay.delivery.faults import AllBusyError, NoConnectionError
from relay.mail.hop import NextHop

Dial = Callable[[NextHop], Awaitable[Connection]]
"""Makes a new connection, or raises NoConnectionError."""

FAILED_FOR = 30.0
"""Seconds for which a hop counts as recently failed."""
_FAILURES_KEPT = 10_000
_LEAVE_WITHIN = 2.0
"""Seconds that a hop has for closing its side when we do."""


@dataclass(frozen=True, slots=True)
class _Kept:
    connection: Connection
    since: float


@dataclass(slots=True)
class _Hop:
    """What the pool knows of one hop."""

    slots: asyncio.Semaphore
    idle: deque[_Kept] = field(default_factory=deque)
    """The one used last is at the right end, and is taken first."""
    callers: int = 0
    """Those that hold or wait for a connection."""


class Pool:
    """Keeps connections; used from one event loop."""

    def __init__(
        self, dial: Dial, connections: int, *, idle_seconds: float = 30, most_transactions: int = 1000
    ) -> None:
        """Allow ``connections`` to each hop, 0 for any number."""
        self._dial = dial
        self._limit = connections or 1_000_000
        self._idle_seconds = idle_seconds
        self._most_transactions = most_transactions
        self._hops: dict[NextHop, _Hop] = {}
        self._lent: set[Connection] = set()
        self._failures: dict[NextHop, tuple[float, str]] = {}  # when and why, oldest first
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def acquire(
        self, hop: NextHop, patience_seconds: float | None, *, fresh: bool = False
    ) -> Connection:
        """Return a connection to ``hop``, new where none is kept, within ``patience_seconds`` (None: no limit).

        ``fresh`` makes a new one in any case and closes the kept ones: for the second try after
        ``StaleConnectionError``.  Raises AllBusyError where none came free, NoConnectionError where
        none could be made.  Give it back with ``release``, whatever happened to it.
        """
        self._check_open()
        known = self._hops.get(hop)
        if known is None:
            known = self._hops[hop] = _Hop(asyncio.Semaphore(self._limit))
        known.callers += 1
        if not (fresh or known.slots.locked()) and (kept := self._kept(known)) is not None:
            await known.slots.acquire()  # at once
            self._lent.add(kept)
            return kept
        waiting = True
        try:
            async with asyncio.timeout(patience_seconds):
                await known.slots.acquire()
                waiting = False
                connection = await self._connection(hop, known, fresh=fresh)
        except BaseException as problem:
            if not waiting:
                known.slots.release()
            self._part(hop, known)
            if isinstance(problem, TimeoutError):
                raise self._out_of_patience(hop, patience_seconds or 0, waiting=waiting) from None
            raise
        self._lent.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Take ``connection`` back; a transaction left open is reset.  Doing it twice is harmless."""
        if connection not in self._lent:
            return
        self._lent.remove(connection)
        known = self._hops[connection.hop]
        known.slots.release()
        connection.settle()
        if self._closed or connection.transactions >= self._most_transactions:
            connection.quit()
        elif connection.usable:
            known.idle.append(_Kept(connection, self._now()))
            if self._sweeper is None:
                self._sweeper = asyncio.get_running_loop().call_later(self._idle_seconds, self._sweep)
        self._part(connection.hop, known)

    def recently_failed(self, hop: NextHop) -> bool:
        """Return whether ``hop`` failed in the last 30 s, and nobody has reached it since."""
        failure = self._failures.get(hop) if self._failures else None
        return failure is not None and self._now() - failure[0] < FAILED_FOR

    def last_failure(self, hop: NextHop) -> str:
        """Return why ``hop`` failed when it did so last; nothing if that is not known any more."""
        return self._failures.get(hop, (0.0, ""))[1]

    def note_failure(self, hop: NextHop, words: str) -> None:
        """Remember that ``hop`` failed just now, and why: for what only the caller sees, such as silence or rubbish."""
        self._failures.pop(hop, None)
        self._failures[hop] = (self._now(), words)
        oldest = next(iter(self._failures))
        if len(self._failures) > _FAILURES_KEPT or not self.recently_failed(oldest):
            del self._failures[oldest]

    async def close(self) -> None:
        """Close everything, what is lent included; whoever waits gets NoConnectionError when its turn comes."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        leaving = list(self._lent)
        for connection in leaving:
            connection.abort()
        for known in self._hops.values():
            while known.idle:
                leaving.append(known.idle.pop().connection)
                leaving[-1].quit()
        await asyncio.gather(*(connection.closed(_LEAVE_WITHIN) for connection in leaving))

    async def _connection(self, hop: NextHop, known: _Hop, *, fresh: bool) -> Connection:
        if fresh:
            while known.idle:
                known.idle.pop().connection.quit()
        elif (kept := self._kept(known)) is not None:
            return kept
        self._check_open()
        try:
            connection = await self._dial(hop)
        except NoConnectionError as failure:
            self.note_failure(hop, str(failure))
            raise
        self._failures.pop(hop, None)
        try:
            self._check_open()
        except NoConnectionError:
            connection.abort()
            raise
        return connection

    @staticmethod
    def _kept(known: _Hop) -> Connection | None:
        while known.idle:
            connection = known.idle.pop().connection
            if connection.usable:
                return connection
        return None

    def _check_open(self) -> None:
        if self._closed:
            raise NoConnectionError("the relay is stopping")

    def _part(self, hop: NextHop, known: _Hop) -> None:
        """Count a caller out; forget a hop that nobody uses."""
        known.callers -= 1
        if not known.callers and not known.idle:
            self._hops.pop(hop, None)

    def _out_of_patience(self, hop: NextHop, seconds: float, *, waiting: bool) -> NoConnectionError:
        if waiting:
            return AllBusyError(f"all {self._limit} connections to {hop} were busy for {seconds:g} seconds")
        words = f"no connection to {hop} within {seconds:g} seconds"
        self.note_failure(hop, words)
        return NoConnectionError(words)

    def _sweep(self) -> None:
        """Close what was idle for too long, forget hops that nobody uses, and come back while any is left."""
        now = self._now()
        next_at = None
        for hop, known in list(self._hops.items()):
            while known.idle and now - known.idle[0].since >= self._idle_seconds:
                known.idle.popleft().connection.quit()
            if known.idle:
                next_at = min(known.idle[0].since + self._idle_seconds, next_at or float("inf"))
            elif not known.callers:
                del self._hops[hop]
        loop = asyncio.get_running_loop()
        self._sweeper = None if next_at is None else loop.call_at(next_at, self._sweep)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
