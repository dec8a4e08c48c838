"""Sets of IP networks that answer in time that does not grow with their number.  Pure."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from relay.mail.envelope import Address

Network = IPv4Network | IPv6Network


class Networks:
    """An immutable set of networks; an address is in it when it is in any of them."""

    __slots__ = ("_by_length", "all")

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        """Take ``networks``; IPv4-mapped IPv6 networks become the IPv4 networks that they mean."""
        self.all: tuple[Network, ...] = tuple(sorted({_plain(n) for n in networks}, key=str))
        lengths: dict[tuple[int, int], set[int]] = {}
        for network in self.all:
            shift = network.max_prefixlen - network.prefixlen
            lengths.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)
        self._by_length = tuple(
            (version, shift, frozenset(found)) for (version, shift), found in lengths.items()
        )

    def __contains__(self, address: Address | None) -> bool:
        """Tell whether ``address`` (never IPv4-mapped; None is in no network) belongs to a network."""
        if address is None or not self._by_length:
            return False
        number = int(address)
        return any(
            version == address.version and number >> shift in found
            for version, shift, found in self._by_length
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Networks) and self.all == other.all

    def __hash__(self) -> int:
        return hash(self.all)

    def __bool__(self) -> bool:
        return bool(self.all)


def _plain(network: Network) -> Network:
    if network.version == 6 and network.prefixlen >= 96 and (mapped := network.network_address.ipv4_mapped):
        return IPv4Network((mapped, network.prefixlen - 96))
    return network
