"""The PROXY header, versions 1 and 2: who the client behind a load balancer is.  Pure: sans-IO.

By the specification that HAProxy publishes (proxy-protocol.txt, sections 2.1 and 2.2).
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from relay.mail.envelope import Address, plain_address

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_V1 = 107
_V1 = re.compile(
    rb"PROXY (?:(TCP4|TCP6) ([0-9A-Fa-f:.]+) [0-9A-Fa-f:.]+ \d{1,5} \d{1,5}|UNKNOWN(?: [^\r\n]*)?)\r\n"
)
_ADDRESS_OCTETS = {0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16}
"""Family and transport -> octets of one address."""
_ALL_ADDRESSES = {4: 12, 16: 36}


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a PROXY header says."""

    length: int
    """Octets of the header; what comes behind them is the client's."""
    local: bool = False
    """The proxy speaks for itself (a health check)."""
    client: Address | None = None
    """None: the proxy does not know, or the client has no IP address."""


class BadProxyHeader:
    """These octets begin no PROXY header."""

    __slots__ = ()


def read_proxy_header(octets: bytes) -> ProxyHeader | BadProxyHeader | None:
    """Read the PROXY header that ``octets`` begin with; None: more octets are needed."""
    if octets.startswith(b"PROXY "[: len(octets)]):
        return _version_1(octets)
    if octets[:12] == _SIGNATURE[: len(octets)]:
        return _version_2(octets)
    return BadProxyHeader()


def _version_1(octets: bytes) -> ProxyHeader | BadProxyHeader | None:
    end = octets.find(b"\r\n", 0, _LONGEST_V1) + 2
    if end < 2:
        return None if len(octets) < _LONGEST_V1 else BadProxyHeader()
    found = _V1.fullmatch(octets, 0, end)
    if found is None:
        return BadProxyHeader()
    if found[1] is None:
        return ProxyHeader(end)
    try:
        client = ip_address(found[2].decode("ascii"))
    except ValueError:
        return BadProxyHeader()
    return (
        ProxyHeader(end, client=plain_address(client))
        if client.version == int(found[1][3:])
        else BadProxyHeader()
    )


def _version_2(octets: bytes) -> ProxyHeader | BadProxyHeader | None:
    if len(octets) < 16:
        return None
    command, family = octets[12], octets[13]
    end = 16 + int.from_bytes(octets[14:16], "big")
    if command not in (0x20, 0x21):
        return BadProxyHeader()
    if len(octets) < end:
        return None
    if command == 0x20:
        return ProxyHeader(end, local=True)
    length = _ADDRESS_OCTETS.get(family)
    if length is None:
        return ProxyHeader(end)
    if end < 16 + _ALL_ADDRESSES[length]:
        return BadProxyHeader()
    packed = octets[16 : 16 + length]
    return ProxyHeader(end, client=plain_address(IPv4Address(packed) if length == 4 else IPv6Address(packed)))
