"""What a transaction is handled by, and the callables that are handed in.  Pure values and protocols."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from relay.delivery.route import Hop, Routes
from relay.events import Observe
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.reply import Reply
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


@dataclass(frozen=True, slots=True)
class Means:
    """What every transaction uses and no reload changes."""

    hops: Hops
    observe: Observe
    new_queue_id: Callable[[], str]
    now: Callable[[], datetime]
    """Aware."""
    monotonic: Callable[[], float]
