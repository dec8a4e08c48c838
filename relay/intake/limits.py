"""How many may be inside, and how much they may have in memory."""

from collections import Counter
from ipaddress import IPv6Address

from relay.mail.envelope import Address

MEMORY = 64 * 1024 * 1024
"""Octets of contents in memory, over all sessions; then large contents go to files as they come."""


class Doors:
    """Counts the open connections, in all and by client; an IPv6 client is its /64."""

    __slots__ = ("_by_client", "inside", "refused")

    def __init__(self) -> None:
        self._by_client: Counter[Address | int] = Counter()
        self.inside = 0
        """Open connections in all."""
        self.refused = 0
        """Those of them that were sent away, and take their time to go: nobody else is kept out for them."""

    def enter(self, client: Address, limit: int) -> bool:
        """Count one more connection of ``client``; False, and nothing counted, if it has ``limit`` already."""
        key = _key(client)
        if limit and self._by_client[key] >= limit:
            return False
        self._by_client[key] += 1
        return True

    def leave(self, client: Address) -> None:
        """Take back what ``enter`` counted."""
        key = _key(client)
        self._by_client[key] -= 1
        if not self._by_client[key]:
            del self._by_client[key]


class Memory:
    """Counts the octets of contents that are held in memory, over all sessions."""

    __slots__ = ("_at_most", "held")

    def __init__(self, at_most: int = MEMORY) -> None:
        self._at_most = at_most
        self.held = 0
        """Octets."""

    @property
    def full(self) -> bool:
        """No more is to be held than what the next piece of a file needs."""
        return self.held > self._at_most


def _key(client: Address) -> Address | int:
    return int(client) >> 64 if isinstance(client, IPv6Address) else client
