"""Which fields the DKIM signatures of a message cover, by their own word (RFC 6376 3.5, h=); nothing is verified.  Pure."""

import re

from relay.mail.fields import read_header, text_of, unfold

_COVERED = re.compile(r"(?:\A|;)\s*h\s*=([^;]*)", re.IGNORECASE)


def covered(head: bytes, names: re.Pattern[bytes]) -> tuple[str, ...]:
    """Return the fields of ``head`` whose names in lower case match ``names`` in full and that a signature covers."""
    rows = read_header(head).rows
    signed: set[str] = set()
    for row in rows:
        if row.name.lower() == b"dkim-signature" and (found := _COVERED.search(text_of(unfold(row.value)))):
            signed.update("".join(found[1].split()).lower().split(":"))
    if not signed:
        return ()
    there = dict.fromkeys(text_of(row.name) for row in rows if names.fullmatch(row.name.lower()))
    return tuple(name for name in there if name.lower() in signed)
