"""Names to addresses.  The only importer of dns."""

import socket
from dataclasses import dataclass

LIFETIME = 10.0
"""Seconds that a look-up may take in all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says of a host."""

    addresses: tuple[str, ...]
    trouble: str = ""
    """Why there is no address, in words; empty if there is one."""

    @property
    def found(self) -> bool:
        """There is an address."""
        return bool(self.addresses)

    @property
    def words(self) -> str:
        """The addresses, or the trouble."""
        return ", ".join(self.addresses) or self.trouble


def addresses_of(host: str) -> Answer:
    """Look ``host`` up as a delivery would, hosts file included; trouble is a value that says what DNS has to say."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Answer((), _why_not(host))
    return Answer(tuple(dict.fromkeys(str(place[0]) for *_, place in found)))


def _why_not(host: str) -> str:
    import dns.exception
    import dns.resolver

    try:
        dns.resolver.resolve_name(host, lifetime=LIFETIME)
    except dns.resolver.NXDOMAIN:
        return "there is no such name"
    except dns.resolver.NoAnswer:
        return "the name has no address"
    except (dns.exception.DNSException, OSError) as error:
        return f"DNS does not answer ({type(error).__name__})"
    return "this machine cannot look it up, though DNS has it"
