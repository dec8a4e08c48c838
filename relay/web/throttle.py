"""How often a client may try a password; bounded in memory."""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address

FAILURES = 10
"""So many in a row, then the client has to wait."""
SECONDS = 600
"""Until a failure is forgotten."""
_CLIENTS = 10_000
"""Those that are remembered."""


class Failures:
    """Counts attempts of clients; an attempt that goes well is forgotten with all before it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock that counts seconds and never goes back."""
        self._clock = clock
        self._found: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def seconds_to_wait(self, client: str) -> int:
        """Return how long ``client`` has to wait before it may try; 0: it may now."""
        count, until = self._found.get(_network(client), (0, 0.0))
        left = until - self._clock()
        return int(left) + 1 if count >= FAILURES and left > 0 else 0

    def add(self, client: str) -> None:
        """Count an attempt as failed, before it is known how it ends, so that many at once are no way around."""
        name, now = _network(client), self._clock()
        count, until = self._found.pop(name, (0, 0.0))
        self._found[name] = (count + 1 if until > now else 1, now + SECONDS)
        if len(self._found) > _CLIENTS:
            self._found.popitem(last=False)

    def forget(self, client: str) -> None:
        """Count nothing against ``client`` any more: its attempt went well."""
        self._found.pop(_network(client), None)


def _network(client: str) -> str:
    """Return what counts as one client: an IPv4 address, or a /64 of IPv6."""
    try:
        address = ip_address(client)
    except ValueError:
        return client[:64]
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or (int(address) >> 64))
