"""DKIM signatures verified with what DNS says."""

from collections.abc import Callable
from datetime import datetime

from relay.delivery.answers import NoData, NoSuchName, Texts, Trouble
from relay.delivery.resolver import Resolver
from relay.proof import Prover


def prover(resolver: Resolver, now: Callable[[], datetime]) -> Prover:
    """Return what verifies signatures; keys are remembered by ``resolver``."""

    async def lookup(name: str) -> tuple[bytes, ...] | None:
        match await resolver.texts(name):
            case Texts(records):
                return records
            case NoSuchName() | NoData():
                return ()
            case Trouble():
                return None

    return Prover(lookup, now)


def make_ready() -> None:
    """Load what verifies a signature; a twentieth of a second that no mail should wait for."""
    import relay.proof.key  # noqa: F401
