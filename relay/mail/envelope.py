"""What we know of a mail transaction, and how sure we are.  Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from relay.mail.address import Mailbox

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class ReversePath:
    """The argument of MAIL (RFC 5321 4.1.1.2), with the ESMTP parameters that came with it."""

    text: str
    """As the client wrote it, without angle brackets and source route; empty is the null reverse-path."""
    mailbox: Mailbox | None = None
    """None for the null reverse-path."""
    size: int | None = None
    """Octets declared with SIZE (RFC 1870)."""
    body: str | None = None
    """``7BIT`` or ``8BITMIME`` (RFC 6152)."""
    smtputf8: bool = False
    ret: str | None = None
    """``FULL`` or ``HDRS`` (RFC 3461 4.3)."""
    envid: str | None = None
    """As xtext, unchanged (RFC 3461 4.4)."""
    auth: str | None = None
    """As xtext, unchanged (RFC 4954 section 5)."""

    def sized(self, size: int) -> "ReversePath":
        """Return the same, with ``size`` declared."""
        return ReversePath(
            self.text, self.mailbox, size, self.body, self.smtputf8, self.ret, self.envid, self.auth
        )


@dataclass(frozen=True, slots=True)
class ForwardPath:
    """The argument of RCPT (RFC 5321 4.1.1.3), with the ESMTP parameters that came with it."""

    text: str
    """As the client wrote it, without angle brackets and source route."""
    mailbox: Mailbox
    """For ``<postmaster>`` without a domain: local part postmaster, empty domain."""
    notify: str | None = None
    """``NEVER`` or a list of ``SUCCESS``, ``FAILURE``, ``DELAY`` (RFC 3461 4.1)."""
    orcpt: str | None = None
    """``type;xtext``, unchanged (RFC 3461 4.2)."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who hands us a message: the peer, or whom a PROXY or XCLIENT peer says that it speaks for."""

    address: Address | None = None
    """Never IPv4-mapped, and without a zone (see ``plain_address``); None where unknown, as on a unix socket."""
    helo: str = ""
    esmtp: bool = True
    tls: bool = False
    user: str | None = None
    """The SMTP AUTH identity."""
    address_text: str = field(init=False, compare=False, repr=False)
    """The address as text, made once for all who write it down; empty where unknown."""

    def __post_init__(self) -> None:
        """Write the address down."""
        text = "" if self.address is None else str(self.address)
        object.__setattr__(self, "address_text", text)


class Source(StrEnum):
    """How we know a part of a transaction."""

    GIVEN = "given"
    TRACE = "trace"
    UNKNOWN = "unknown"


class HeaderState(StrEnum):
    """Whether the header section reached us whole."""

    COMPLETE = "complete"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Known:
    """What of a transaction is known, and how."""

    envelope: Source = Source.GIVEN
    client: Source = Source.GIVEN
    header: HeaderState = HeaderState.COMPLETE


def plain_address(address: Address) -> Address:
    """Return the IPv4 address inside an IPv4-mapped IPv6 address, every other one without its zone.

    A zone (``fe80::1%eth0``) means something on one machine only, and may hold blanks.
    """
    if address.version == 4:
        return address
    if (mapped := address.ipv4_mapped) is not None:
        return mapped
    return IPv6Address(int(address)) if address.scope_id is not None else address
