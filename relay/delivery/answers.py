"""What DNS says, as values: also that there is no such name, nothing of the kind, or no answer.  Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address


@dataclass(frozen=True, slots=True)
class Mx:
    """One MX record."""

    preference: int
    """The lower, the earlier it is tried."""
    host: str
    """In lower case, without a dot at the end; empty is the root, which means a null MX (RFC 7505)."""


@dataclass(frozen=True, slots=True)
class MxRecords:
    """The MX records of a domain, aliases (CNAME) followed; at least one."""

    records: tuple[Mx, ...]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a host, aliases (CNAME) followed; at least one."""

    addresses: tuple[IPv4Address | IPv6Address, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """The TXT records of a name, aliases (CNAME) followed; at least one."""

    records: tuple[bytes, ...]
    """The strings of each record joined, as SPF and DKIM read them."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that an address has (PTR), in lower case, without a dot at the end; at least one."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSuchName:
    """The name does not exist (NXDOMAIN), or could not be the name of anything."""


@dataclass(frozen=True, slots=True)
class NoData:
    """The name exists, and has no record of the kind."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """DNS does not answer, or not sensibly; later it may."""

    words: str


MxAnswer = MxRecords | NoSuchName | NoData | Trouble
AddressAnswer = Addresses | NoSuchName | NoData | Trouble
TextAnswer = Texts | NoSuchName | NoData | Trouble
NameAnswer = Names | NoSuchName | NoData | Trouble


def both_families(one: AddressAnswer, other: AddressAnswer) -> AddressAnswer:
    """Return the answer to A and AAAA together: addresses count before trouble, trouble before nothing."""
    found = [
        address for answer in (one, other) if isinstance(answer, Addresses) for address in answer.addresses
    ]
    if found:
        return Addresses(tuple(found))
    return other if isinstance(other, Trouble) else one
