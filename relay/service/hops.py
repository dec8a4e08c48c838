"""Next hops of both kinds behind one face: servers by the pool, the stand-in helpdesk by the sandbox."""

from collections.abc import Callable
from pathlib import Path

from relay.delivery.client import Connection, Timeouts
from relay.delivery.faults import NoConnectionError
from relay.delivery.handshake import Dialer
from relay.delivery.pool import Pool
from relay.delivery.route import Hop
from relay.mail.hop import NextHop, Way
from relay.pipeline import Exchange
from relay.settings.model import DeliverSettings, Settings


class AllHops:
    """Hands out exchanges for whatever a route names."""

    def __init__(self, stand_in: Callable[[], Exchange]) -> None:
        """Take a maker of exchanges with the stand-in helpdesk."""
        self._stand_in = stand_in
        self._pool: Pool | None = None
        self._lent: dict[Connection, Pool] = {}

    def use(self, pool: Pool) -> None:
        """Take connections from ``pool`` from now on; what an older one has lent goes back to it."""
        self._pool = pool

    async def acquire(self, hop: Hop, patience: float | None, *, fresh: bool = False) -> Exchange:
        """Return an exchange with ``hop``; PeerError if there is none within ``patience`` seconds."""
        if hop is Way.SANDBOX:
            return self._stand_in()
        if not isinstance(hop, NextHop):
            raise NoConnectionError(f"a next hop found by {hop} is not active yet")
        assert self._pool is not None, "use comes first"
        pool = self._pool
        connection = await pool.acquire(hop, patience, fresh=fresh)
        self._lent[connection] = pool
        return connection

    def release(self, exchange: Exchange) -> None:
        """Give an exchange back."""
        if isinstance(exchange, Connection):
            self._lent.pop(exchange).release(exchange)

    async def close(self) -> None:
        """Close every connection; what an older pool keeps idle ends by itself within half a minute."""
        pools = set(self._lent.values())
        if self._pool is not None:
            pools.add(self._pool)
        for pool in pools:
            await pool.close()


def pool_key(settings: Settings) -> object:
    """Return what a pool depends on: as long as it is the same, the connections are kept over a reload."""
    deliver = settings.deliver
    return settings.hostname, deliver.timeouts, deliver.connections, deliver.tls


def make_pool(deliver: DeliverSettings, hostname: str) -> Pool:
    """Return an empty pool; UnreadableFileError where ``deliver.tls.ca`` cannot be used."""
    times = deliver.timeouts
    timeouts = Timeouts(
        times.connect.total_seconds(), times.reply.total_seconds(), times.content.total_seconds()
    )
    return Pool(
        Dialer(hostname, timeouts, Path(deliver.tls.ca) if deliver.tls.ca else None), deliver.connections
    )
