"""From a domain to next hops in order: asks DNS what ``relay.delivery.mx`` needs to know."""

import asyncio
from collections.abc import Callable, Iterable
from random import SystemRandom
from typing import Protocol

from relay.delivery.answers import AddressAnswer, MxAnswer
from relay.delivery.mx import HopsInOrder, Terms, hosts_of, way_to, way_without_dns
from relay.delivery.ourselves import is_our_address
from relay.mail.envelope import Address
from relay.mail.hop import Scheme

_RANDOM = SystemRandom()


class Lookup(Protocol):
    """Answers from DNS; trouble is a value."""

    async def mx(self, domain: str) -> MxAnswer:
        """Return the MX records of ``domain``."""
        ...

    async def addresses(self, host: str) -> AddressAnswer:
        """Return the addresses of ``host``, of both families."""
        ...


class Wayfinder:
    """Finds ways by MX; keeps nothing but what its ``Lookup`` keeps."""

    def __init__(
        self,
        lookup: Lookup,
        *,
        names: Iterable[str] = (),
        is_ours: Callable[[Address], bool] = is_our_address,
        draw: Callable[[], float] = _RANDOM.random,
        port: int = 25,
    ) -> None:
        """Take ``names``, under which this server may stand in an MX record, and the port where MX hosts listen."""
        ours = frozenset(name.lower().removesuffix(".") for name in names)
        self._lookup = lookup
        self._terms = Terms(
            is_us=lambda host, addresses: host in ours or any(map(is_ours, addresses)), draw=draw, port=port
        )

    async def hops_to(self, domain: str, scheme: Scheme) -> HopsInOrder:
        """Return the hops for mail to ``domain`` (as a ``Mailbox`` has it), or the outcome if there are none."""
        way = way_without_dns(domain, scheme, self._terms)
        if way is not None:
            return way
        answer = await self._lookup.mx(domain)
        hosts = hosts_of(domain, answer)
        if not isinstance(hosts, tuple):
            return hosts
        names = list(dict.fromkeys(host.host for host in hosts))
        found = await asyncio.gather(*map(self._lookup.addresses, names))
        return way_to(domain, answer, dict(zip(names, found, strict=True)), scheme, self._terms)
