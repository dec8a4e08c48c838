"""What the DKIM signatures of a message say of themselves (RFC 6376 3.5); nothing is verified.  Pure."""

import re
from collections.abc import Iterable

from relay.mail.address import normal_domain
from relay.mail.fields import read_header, text_of, unfold

SIGNATURE = b"dkim-signature"
"""The field's name in lower case."""
_COVERED = re.compile(r"(?:\A|;)\s*h\s*=([^;]*)", re.IGNORECASE)
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*+")
_BLANKS = " \t\r\n"


def covered(head: bytes, names: re.Pattern[bytes]) -> tuple[str, ...]:
    """Return the fields of ``head`` whose names in lower case match ``names`` in full and that a signature covers."""
    rows = read_header(head).rows
    signed: set[str] = set()
    for row in rows:
        if row.name.lower() == SIGNATURE and (found := _COVERED.search(text_of(unfold(row.value)))):
            signed.update("".join(found[1].split()).lower().split(":"))
    if not signed:
        return ()
    there = dict.fromkeys(text_of(row.name) for row in rows if names.fullmatch(row.name.lower()))
    return tuple(name for name in there if name.lower() in signed)


def read_tags(value: bytes) -> dict[str, str] | None:
    """Read a tag-list (RFC 6376 3.2), blanks around names and values removed; None where it is none."""
    specs = text_of(unfold(value)).split(";")
    if not specs[-1].strip(_BLANKS):
        specs.pop()
    tags: dict[str, str] = {}
    for spec in specs:
        name, equals, text = spec.partition("=")
        name = name.strip(_BLANKS)
        if not equals or name in tags or not _TAG_NAME.fullmatch(name):
            return None
        tags[name] = text.strip(_BLANKS)
    return tags


def signer(tags: dict[str, str] | None) -> str:
    """Return the domain (d=) that a signature with these tags names, in A-labels; nothing where it names none."""
    return normal_domain(tags.get("d", "")) if tags is not None else ""


def signers(rows: Iterable[tuple[bytes, bytes]]) -> frozenset[str]:
    """Return the domains that signatures in these ``names_and_values`` name, see ``signer``."""
    values = [value for name, value in rows if name.lower() == SIGNATURE]
    return frozenset([domain for value in values if (domain := signer(read_tags(value)))])
