"""Next hops of both kinds behind one face: servers by the pool, the stand-in helpdesk by the sandbox."""

from collections.abc import Callable

from relay.delivery.client import Connection
from relay.delivery.pool import Pool
from relay.delivery.route import Hop
from relay.mail.hop import NextHop
from relay.pipeline import Exchange


class AllHops:
    """Hands out exchanges for whatever a route names."""

    def __init__(self, stand_in: Callable[[], Exchange]) -> None:
        """Take a maker of exchanges with the stand-in helpdesk."""
        self._stand_in = stand_in
        self._pools: list[Pool] = []

    def use(self, pool: Pool) -> None:
        """Take connections from ``pool`` from now on; what older pools have lent goes back to them."""
        self._pools.append(pool)

    async def acquire(self, hop: Hop, patience: float | None, *, fresh: bool = False) -> Exchange:
        """Return an exchange with ``hop``; PeerError if there is none within ``patience`` seconds."""
        if isinstance(hop, NextHop):
            return await self._pools[-1].acquire(hop, patience, fresh=fresh)
        return self._stand_in()

    def release(self, exchange: Exchange) -> None:
        """Give an exchange back."""
        if isinstance(exchange, Connection):
            for pool in self._pools:
                pool.release(exchange)

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.close()
