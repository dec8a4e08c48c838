"""What a transaction is handled by, and the callables that are handed in.  Pure values and protocols."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from relay.delivery.route import Hop, Routes
from relay.events import Observe
from relay.mail.content import Content
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Outcome
from relay.mail.proof import Proved
from relay.mail.reply import Reply
from relay.spool.item import NewItem
from relay.spool.reopenable import ToKeep
from relay.stamp import StampRules


class Exchange(Protocol):
    """One connection to a next hop, or what stands in its place."""

    async def envelope(
        self, reverse_path: ReversePath, forward_paths: Sequence[ForwardPath], client: Client | None = None
    ) -> tuple[Reply, tuple[Reply, ...]]:
        """Begin a transaction; return the reply to MAIL and one for each forward-path."""
        ...

    async def rcpt(self, forward_path: ForwardPath) -> Reply:
        """Put one more forward-path."""
        ...

    async def data(self, chunks: Iterable[bytes]) -> tuple[Reply, ...]:
        """Hand over the content; return one reply for each accepted forward-path."""
        ...


class Hops(Protocol):
    """Connections to next hops, kept and shared."""

    async def acquire(self, hop: Hop, patience: float | None, *, fresh: bool = False) -> Exchange:
        """Return a connection, a new one if ``fresh``; PeerError if there is none within ``patience`` seconds."""
        ...

    def release(self, exchange: Exchange) -> None:
        """Give a connection back, whatever state its transaction is in."""
        ...


class Put(Protocol):
    """Keeps messages."""

    async def __call__(self, items: Sequence[NewItem], content: Content, keep: ToKeep | None = None) -> bool:
        """Keep ``items``, which share ``content``; durable when it returns, NotDurableError if it cannot be.

        ``keep``: keep the content for a while after that, too; tells whether that could be.
        """
        ...


class Attempt(Protocol):
    """Tries to hand a message over, now."""

    async def __call__(
        self,
        hop: Hop,
        reverse_path: ReversePath,
        forward_paths: Sequence[ForwardPath],
        chunks: Callable[[], Iterable[bytes]],
        client: Client | None,
        patience: float | None,
    ) -> tuple[Outcome, ...]:
        """Return one outcome for each forward-path, in order; ``patience`` seconds up to the final dot."""
        ...


Verify = Callable[[Hop, ForwardPath], Awaitable[Reply | None]]
"""Asks a hop whether it knows a forward-path; a refusal for good, or None: it may, or nobody can tell now."""


Prove = Callable[[Content, frozenset[str]], Awaitable[Proved]]
"""Verifies a content's signatures of some domains (in A-labels); takes seconds at most, and does not raise for DNS."""


@dataclass(frozen=True, slots=True)
class SpoolMeans:
    """What the modes with a spool use besides."""

    put: Put
    attempt: Attempt
    verify: Verify


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a transaction is handled by; one that runs keeps the plan that it began with."""

    routes: Routes
    stamp: StampRules
    hostname: str
    header_size: int
    patience: float | None
    """Seconds that a client waits for a free connection; None: as long as it takes."""
    tell_client: bool
    """Tell the next hop who the client was, if it offers XFORWARD."""
    may_relay: Callable[[Client], bool]
    try_at_once: bool = True
    """With a spool: try the helpdesk's forward-paths while the client waits."""
    unknown_retry: timedelta = timedelta(minutes=30)
    keep_closed: bool = False
    """With a spool: the content of closed tickets is kept for a while."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every transaction uses and no reload changes."""

    hops: Hops
    observe: Observe
    new_queue_id: Callable[[], str]
    now: Callable[[], datetime]
    """Aware."""
    monotonic: Callable[[], float]
    prove: Prove | None = None
    """None: nothing is proved by signatures."""
