"""The next hop: what a ``deliver.*`` URL in channels.yaml means (docs/channels.md).  Pure.

=====================  ============  =====================================================================
URL                    default port  transport
=====================  ============  =====================================================================
smtp://host            25            SMTP; STARTTLS wherever it is announced, the certificate is not checked
smtp+starttls://host   25            SMTP; STARTTLS is required and the certificate checked
smtps://host           465           SMTP inside TLS from the first octet (RFC 8314 3.3), certificate checked
lmtp://host            24            LMTP (RFC 2033); TLS as for smtp://
lmtp+unix:///path      none          LMTP on a unix socket, without TLS
=====================  ============  =====================================================================

A submission service (port 587) is written ``smtp+starttls://user:password@host:587``.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from relay.mail.address import normal_domain


class Way(StrEnum):
    """The words that ``deliver.*`` takes where no URL stands; each key allows some of them."""

    MX = "mx"
    MX_STARTTLS = "mx+starttls"
    SANDBOX = "sandbox"
    REFUSE = "refuse"
    HOLD = "hold"


class Scheme(StrEnum):
    """How a next hop is spoken to."""

    SMTP = "smtp"
    SMTP_STARTTLS = "smtp+starttls"
    SMTPS = "smtps"
    LMTP = "lmtp"
    LMTP_UNIX = "lmtp+unix"


DEFAULT_PORTS = {Scheme.SMTP: 25, Scheme.SMTP_STARTTLS: 25, Scheme.SMTPS: 465, Scheme.LMTP: 24}
"""The port where the URL names none."""

_RIGHT = (
    "write smtp://host:25, smtp+starttls://host, smtps://host, lmtp://host or lmtp+unix:///path/of/socket"
)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"(\[[^\[\]\s]*\]|[^:\[\]/\s]*)(?::([0-9]*))?/?")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_LONGEST_NAME = 254
_PERCENT = re.compile(r"%(?P<octet>[0-9A-Fa-f]{2})?")
_RESERVED = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class NextHop:
    """One server that takes mail from us; equal hops may share their connections."""

    scheme: Scheme
    host: str = ""
    """A name in lower case A-labels or an address without brackets; empty for a unix socket."""
    port: int = 0
    """0 for a unix socket."""
    path: str = ""
    """The unix socket, absolute; empty for every other scheme."""
    user: str = ""
    """For SMTP AUTH (RFC 4954); empty where none is wanted."""
    password: str = field(default="", repr=False)
    name: str = ""
    """What ``host``, then an address, is the address of: the name that a certificate must be for.  No URL sets it."""

    @property
    def server(self) -> str:
        """Return who answers there, in a word: a name, an address or the path of a unix socket."""
        return self.name or self.host or self.path

    @property
    def lmtp(self) -> bool:
        """The hop speaks LMTP: LHLO, and a reply for each forward-path after the final dot."""
        return self.scheme in (Scheme.LMTP, Scheme.LMTP_UNIX)

    @property
    def tls_required(self) -> bool:
        """Nothing is sent before TLS with a certificate that was checked."""
        return self.scheme in (Scheme.SMTP_STARTTLS, Scheme.SMTPS)

    @property
    def on_this_machine(self) -> bool:
        """What goes there never leaves the machine: a unix socket, ``localhost`` or a loopback address."""
        if self.path or self.host.removesuffix(".") == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """Return the URL without the password, fit for a log."""
        if self.path:
            return f"{self.scheme}://{self.path}"
        user = f"{_percent_encoded(self.user)}@" if self.user else ""
        host = f"{self.name}[{self.host}]" if self.name or ":" in self.host else self.host
        return f"{self.scheme}://{user}{host}:{self.port}"


def parse_hop(text: str) -> NextHop:
    """Read a next hop's URL; ValueError says in one sentence what would be right, and never the password."""
    found = _URL.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"that is no URL of a next hop; {_RIGHT}")
    try:
        scheme = Scheme(found[1].lower())
    except ValueError:
        raise ValueError(f"{found[1]}:// is no way to a next hop; {_RIGHT}") from None
    if scheme is Scheme.LMTP_UNIX:
        return NextHop(scheme, path=_socket_path(found[2]))
    login, at, place = found[2].rpartition("@")
    user, password = _login(login) if at else ("", "")
    host, port = _host_and_port(place, DEFAULT_PORTS[scheme])
    return NextHop(scheme, host, port, user=user, password=password)


def _socket_path(path: str) -> str:
    if not path.startswith("/") or path.endswith("/") or _CONTROL.search(path):
        raise ValueError(
            "the unix socket needs an absolute path; write lmtp+unix:///run/dovecot/lmtp (three slashes)"
        )
    return path


def _login(login: str) -> tuple[str, str]:
    user, colon, password = login.partition(":")
    user, password = _percent_decoded(user), _percent_decoded(password)
    if not colon or not user or not password:
        raise ValueError("a login needs both parts; write user:password@ in front of the host")
    if _CONTROL.search(user + password):
        raise ValueError("the login holds a control character; write user:password@ without one")
    return user, password


def _host_and_port(place: str, default_port: int) -> tuple[str, int]:
    found = _HOST_AND_PORT.fullmatch(place)
    if found is None:
        raise ValueError(
            "behind the host only :port may follow, and an IPv6 address stands in brackets; "
            "write smtp://host:25 or smtp://[2001:db8::1]:25, with %40, %3A and %2F for @, : and / in a login"
        )
    port = int(found[2]) if found[2] and len(found[2]) < 6 else default_port if found[2] is None else 0
    if not 1 <= port <= 65535:
        raise ValueError(f"the port must be a number from 1 to 65535, such as {default_port}")
    return _host(found[1]), port


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError(
                f"{text} is no IPv6 address in brackets; write for example [2001:db8::1]"
            ) from None
    host = normal_domain(text)
    if not host or len(host) > _LONGEST_NAME or not _NAME.fullmatch(host):
        raise ValueError("the URL needs a host name or an address; write for example smtp://desk.internal:25")
    return host


def _percent_decoded(text: str) -> str:
    """Decode RFC 3986 2.1; ValueError for a % without two hexadecimal digits, or octets that are no UTF-8."""
    octets = bytearray()
    start = 0
    for found in _PERCENT.finditer(text):
        if found["octet"] is None:
            raise ValueError("a % in the login must be written %25")
        octets += text[start : found.start()].encode() + bytes.fromhex(found["octet"])
        start = found.end()
    octets += text[start:].encode()
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise ValueError("the login must be UTF-8, percent-encoded where it holds @ : / or %") from None


def _percent_encoded(text: str) -> str:
    return _RESERVED.sub(lambda found: "".join(f"%{octet:02X}" for octet in found[0].encode()), text)
