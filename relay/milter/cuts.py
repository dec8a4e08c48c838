"""Whether an MTA may have cut a header section before we saw it.  Pure.

By the limits that Postfix has where main.cf says nothing else.  It does not tell when it cuts, so what comes
near a limit counts as cut: that opens a ticket, never closes one.
"""

import re

LONGEST_SECTION = 102_400
"""Octets of a header section (``header_size_limit``)."""
LONGEST_FIELD = 60_000
"""Octets of a field where there is a milter; a smaller ``header_size_limit`` is not known to us."""
MOST_TOKENS = 10_240
"""Tokens of an address field (``header_address_token_limit``), where addresses are rewritten."""

_NEAR = 0.9
"""Postfix cuts at the end of a line, if one ends in the last tenth; rewriting makes tokens fewer, too."""
_LONG_FIELD = int(LONGEST_FIELD * _NEAR)
_MANY_TOKENS = int(MOST_TOKENS * _NEAR)
_TOKEN = re.compile(rb'[^\s<>@,;:.()\[\]"\\]++|[<>@,;:.()\[\]"\\]')
_ADDRESS_FIELDS = frozenset(
    {
        b"from",
        b"to",
        b"cc",
        b"bcc",
        b"reply-to",
        b"sender",
        b"resent-from",
        b"resent-to",
        b"resent-cc",
        b"resent-bcc",
    }
)


def field_may_be_cut(name: bytes, field: bytes) -> bool:
    """Tell whether a field, whole and with its line ends, is near a limit; ``name`` in lower case."""
    if len(field) < _MANY_TOKENS:
        return False
    return len(field) >= _LONG_FIELD or (
        name in _ADDRESS_FIELDS and len(_TOKEN.findall(field)) >= _MANY_TOKENS
    )
