"""The courier: takes one message to its next hops, and says for each forward-path what became of it.

To a fixed hop everything goes in one transaction.  By MX the forward-paths of each domain go in one, to the
hosts in order (RFC 5321 5.1): the next one is tried only where the one before could not be reached, broke off,
was leaving (421) or deferred MAIL.  What a host says of a forward-path or of the content is the outcome, and
after silence behind the final dot no other host is ever tried.

The world's failures are outcomes.  What raises is a fault of ours: a content that cannot be read or holds bare
line ends, a path that cannot be said.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from relay.delivery.client import Connection
from relay.delivery.commands import NEEDS_SMTPUTF8
from relay.delivery.faults import (
    AllBusyError,
    NoConnectionError,
    StaleConnectionError,
    UnknownOutcomeError,
)
from relay.delivery.mx import HopsInOrder
from relay.delivery.pool import Pool
from relay.delivery.wayfinder import Wayfinder
from relay.errors import PeerError
from relay.events import Fault, HopTrouble, Observe
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.hop import NextHop, Scheme, Way
from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown, outcome_of
from relay.mail.reply import Reply

DOMAINS_AT_ONCE = 5
"""Of one message."""

NO_TIME = Deferred(Reply(451, "4.4.2", "There was no time left to try"))
OUR_FAULT = Deferred(Reply(451, "4.3.0", "A fault of this server kept it from trying"))

_T = TypeVar("_T")
_NOBODY = ReversePath("")
_BY_MX = {Way.MX: Scheme.SMTP, Way.MX_STARTTLS: Scheme.SMTP_STARTTLS}


@dataclass(frozen=True, slots=True)
class _Load:
    """What is taken, and by when the final dot must be sent."""

    reverse_path: ReversePath
    chunks: Callable[[], Iterable[bytes]]
    client: Client | None
    deadline: float | None
    skip_failed: bool

    @property
    def left(self) -> float | None:
        """Seconds."""
        return None if self.deadline is None else self.deadline - asyncio.get_running_loop().time()

    @property
    def late(self) -> bool:
        """The time is over."""
        left = self.left
        return left is not None and left <= 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try at one hop."""

    outcomes: tuple[Outcome, ...]
    elsewhere: bool = False
    """What it deferred may be tried at another host at once."""

    def goes_on(self, outcome: Outcome) -> bool:
        """Return whether the forward-path of ``outcome`` is taken to the next host."""
        return isinstance(outcome, Deferred) and (self.elsewhere or outcome.reply.code == 421)


class Courier:
    """Delivers; holds what all attempts share, and nothing of any message."""

    def __init__(self, pool: Pool, wayfinder: Wayfinder, observe: Observe | None = None) -> None:
        self._pool = pool
        self._wayfinder = wayfinder
        self._observe = observe

    async def deliver(
        self,
        destination: NextHop | Way,
        reverse_path: ReversePath,
        forward_paths: Sequence[ForwardPath],
        chunks: Callable[[], Iterable[bytes]],
        client: Client | None = None,
        patience: float | None = None,
        *,
        skip_failed: bool = True,
    ) -> tuple[Outcome, ...]:
        """Try once; return one outcome for each forward-path, in order.

        ``destination``: a server, ``Way.MX`` or ``Way.MX_STARTTLS``.  ``chunks`` makes the octets of the
        content, with CRLF line ends, for each try anew, and for several domains at the same time.  Until our
        final dot there are ``patience`` seconds (None: no limit but the hop's).  With ``skip_failed``, a
        server that failed less than 30 seconds ago is not tried.
        """
        load = _Load(reverse_path, chunks, client, _deadline(patience), skip_failed)
        if isinstance(destination, NextHop):
            return await self._to_first((destination,), load, forward_paths)
        return await self._by_mx(_BY_MX[destination], load, forward_paths)

    async def verify(
        self, hop: NextHop, forward_path: ForwardPath, patience: float | None = None
    ) -> Delivered | Deferred | Failed:
        """Ask ``hop`` whether it would take ``forward_path`` (RCPT, from the null reverse-path); nothing is sent."""
        load = _Load(_NOBODY, tuple, None, _deadline(patience), skip_failed=True)
        if self._pool.recently_failed(hop):
            return self._skipped(hop)

        async def ask(connection: Connection) -> Delivered | Deferred | Failed:
            async with asyncio.timeout_at(load.deadline):
                _, reply = await connection.mail_and_rcpt(_NOBODY, forward_path)
            if connection.mail_refused:  # says nothing about the forward-path
                return Deferred(Reply(451, "4.4.0", f"{hop.server} takes no mail from <>: {reply}"))
            return _outcome(connection, reply)

        try:
            return await self._twice(hop, load, ask)
        except TimeoutError:
            return NO_TIME
        except PeerError as fault:
            return self._trouble(hop, fault)

    async def _by_mx(
        self, scheme: Scheme, load: _Load, forward_paths: Sequence[ForwardPath]
    ) -> tuple[Outcome, ...]:
        domains: dict[str, list[int]] = {}
        for number, path in enumerate(forward_paths):
            domains.setdefault(path.mailbox.domain, []).append(number)
        gate = asyncio.Semaphore(DOMAINS_AT_ONCE)

        async def one(domain: str, numbers: Sequence[int]) -> tuple[Outcome, ...]:
            async with gate:
                hops = await self._hops(domain, scheme, load)
                if not isinstance(hops, tuple):
                    return (hops,) * len(numbers)
                return await self._to_first(hops, load, [forward_paths[number] for number in numbers])

        results = await asyncio.gather(*map(one, domains, domains.values()), return_exceptions=True)
        outcomes: dict[int, Outcome] = {}
        for numbers, result in zip(domains.values(), self._survived(results), strict=True):
            outcomes.update(zip(numbers, result or (OUR_FAULT,) * len(numbers), strict=True))
        return tuple([outcomes[number] for number in range(len(forward_paths))])

    def _survived(
        self, results: Sequence[tuple[Outcome, ...] | BaseException]
    ) -> list[tuple[Outcome, ...] | None]:
        """Keep what was achieved where a fault of ours stopped a part (None); if it stopped everything, raise it."""
        faults = [result for result in results if isinstance(result, BaseException)]
        if faults and len(faults) == len(results):
            raise faults[0]
        if self._observe is not None:
            for fault in faults:
                self._observe(Fault("delivering", fault))
        return [None if isinstance(result, BaseException) else result for result in results]

    async def _hops(self, domain: str, scheme: Scheme, load: _Load) -> HopsInOrder:
        try:
            async with asyncio.timeout_at(load.deadline):
                return await self._wayfinder.hops_to(domain, scheme)
        except TimeoutError:
            return NO_TIME

    async def _to_first(
        self, hops: Sequence[NextHop], load: _Load, forward_paths: Sequence[ForwardPath]
    ) -> tuple[Outcome, ...]:
        """Try ``hops`` in order until each forward-path has an outcome that another host cannot change."""
        tried = [hop for hop in hops if not (load.skip_failed and self._pool.recently_failed(hop))]
        outcomes: list[Outcome] = [NO_TIME if tried else self._skipped(hops[0])] * len(forward_paths)
        left = list(range(len(forward_paths)))
        for hop in tried:
            if load.late or not left:
                break
            attempt = await self._attempt(hop, load, [forward_paths[number] for number in left])
            for number, outcome in zip(left, attempt.outcomes, strict=True):
                outcomes[number] = outcome
            left = [number for number in left if attempt.goes_on(outcomes[number])]
        return tuple(outcomes)

    async def _attempt(self, hop: NextHop, load: _Load, forward_paths: Sequence[ForwardPath]) -> _Attempt:
        async def transact(connection: Connection) -> _Attempt:
            if load.deadline is None:
                replies = await connection.transaction(
                    load.reverse_path, forward_paths, load.chunks(), load.client
                )
            else:
                async with asyncio.timeout_at(load.deadline) as limit:
                    replies = await connection.transaction(
                        load.reverse_path, forward_paths, _unhurried(load.chunks, limit), load.client
                    )
            outcomes = tuple([_outcome(connection, reply) for reply in replies])
            return _Attempt(outcomes, connection.mail_refused)

        try:
            return await self._twice(hop, load, transact)
        except UnknownOutcomeError as unknown:
            self._pool.note_failure(hop, str(unknown))
            self._tell(hop, str(unknown))
            return _Attempt(_half_known(hop, unknown))
        except TimeoutError:
            return _Attempt((NO_TIME,) * len(forward_paths))
        except PeerError as fault:
            busy = isinstance(fault, AllBusyError)
            return _Attempt((self._trouble(hop, fault),) * len(forward_paths), elsewhere=not busy)

    async def _twice(self, hop: NextHop, load: _Load, act: Callable[[Connection], Awaitable[_T]]) -> _T:
        """Act on a connection; where a kept one turns out to be gone, once more on a new one."""
        try:
            return await self._once(hop, load, act, fresh=False)
        except StaleConnectionError:
            return await self._once(hop, load, act, fresh=True)

    async def _once(
        self, hop: NextHop, load: _Load, act: Callable[[Connection], Awaitable[_T]], *, fresh: bool
    ) -> _T:
        connection = await self._pool.acquire(hop, load.left, fresh=fresh)
        try:
            return await act(connection)
        finally:
            self._pool.release(connection)

    def _trouble(self, hop: NextHop, fault: PeerError) -> Deferred:
        """Return what trouble with a connection means, and remember it of the hop; the login in its URL stays out."""
        words = str(fault).replace(str(hop), hop.server)
        self._tell(hop, words)
        match fault:
            case AllBusyError():
                return Deferred(Reply(451, "4.4.5", words))
            case NoConnectionError(reply=Reply(temporary=True) as reply):
                return Deferred(reply, hop.server)
            case NoConnectionError():
                return Deferred(Reply(451, "4.4.1", words))
        self._pool.note_failure(hop, words)
        return Deferred(Reply(451, "4.4.2", f"{hop.server} broke off: {words}"))

    def _skipped(self, hop: NextHop) -> Deferred:
        """Return what is said of a hop that is not tried; the reason that an operator looks for is the one before."""
        words = f"{hop.server} failed a moment ago and is left alone for now"
        if why := self._pool.last_failure(hop).replace(str(hop), hop.server):
            words = f"{words}: {why}"
        return Deferred(Reply(451, "4.4.1", words))

    def _tell(self, hop: NextHop, words: str) -> None:
        if self._observe is not None:
            self._observe(HopTrouble(str(hop), "", words))


def _deadline(patience: float | None) -> float | None:
    return None if patience is None else asyncio.get_running_loop().time() + patience


def _unhurried(chunks: Callable[[], Iterable[bytes]], limit: asyncio.Timeout) -> Iterator[bytes]:
    """Yield the content and lift the limit behind it: the final dot follows at once, and its reply has its own."""
    yield from chunks()
    limit.reschedule(None)


def _outcome(connection: Connection, reply: Reply) -> Delivered | Deferred | Failed:
    if reply is NEEDS_SMTPUTF8:
        return Failed(reply)
    hop = connection.hop
    if reply.positive:
        return Delivered(reply, hop.server, reports=connection.announced.dsn, final=hop.lmtp)
    return outcome_of(reply, hop.server)


def _half_known(hop: NextHop, unknown: UnknownOutcomeError) -> tuple[Outcome, ...]:
    words = str(unknown)
    return tuple(
        Unknown(words, hop.server) if reply is None else outcome_of(reply, hop.server)
        for reply in unknown.replies
    )
