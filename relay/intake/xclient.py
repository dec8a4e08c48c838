"""The argument of XCLIENT: what an edge MTA says about the client it speaks for.  Pure.

As Postfix documents it (XCLIENT_README): ``name=value`` pairs in xtext.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from relay.mail.envelope import Address, plain_address
from relay.mail.reply import Reply

_HEX = re.compile(r"\+([0-9A-Fa-f]{2})")
_NAMES = frozenset({"NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT", "REVERSE_NAME"})
_UNKNOWN = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})

BAD_XCLIENT = Reply(501, "5.5.4", "Syntax: XCLIENT name=value ...")


@dataclass(frozen=True, slots=True)
class Told:
    """What XCLIENT named; None where it was silent or the edge does not know (then ``address_told`` tells which)."""

    address_told: bool = False
    address: Address | None = None
    helo: str | None = None
    user_told: bool = False
    user: str | None = None


def parse_xclient(argument: str) -> Told | Reply:
    """Read what follows ``XCLIENT``; a Reply refuses it."""
    given: dict[str, str] = {}
    for word in argument.split():
        name, equals, value = word.partition("=")
        name = name.upper()
        if not equals or name not in _NAMES:
            return BAD_XCLIENT
        given[name] = (
            "" if value.upper() in _UNKNOWN else _HEX.sub(lambda found: chr(int(found[1], 16)), value)
        )
    if not given or any(not value.isprintable() for value in given.values()):
        return BAD_XCLIENT
    address = _address(given.get("ADDR", ""))
    if isinstance(address, Reply):
        return address
    return Told(
        "ADDR" in given, address, given.get("HELO") or None, "LOGIN" in given, given.get("LOGIN") or None
    )


def _address(text: str) -> Address | Reply | None:
    if not text:
        return None
    try:
        return plain_address(ip_address(text[5:] if text[:5].upper() == "IPV6:" else text))
    except ValueError:
        return BAD_XCLIENT
