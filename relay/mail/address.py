"""A mailbox: parse, normalise, compare, take the subaddress off.  Pure.

Two mailboxes are equal when docs/rule.md calls them the same address: comments, obsolete routes and
superfluous quotes gone, both parts in NFC and lower case, the domain as A-labels (IDNA 2008).
Nothing outside ASCII ever becomes ASCII on the way.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

ATEXT = r'[^\x00-\x20\x7f()<>\[\]:;@\\,."]'
"""A character of an atom (RFC 5322 3.2.3), with everything outside ASCII (RFC 6532 3.2)."""
QUOTED = r'"(?:[^"\\]|\\.)*+"'
"""A quoted-string (RFC 5322 3.2.4), as lenient as readers are."""
DOT_ATOM = rf"{ATEXT}++(?:\.{ATEXT}++)*+"
"""A local part or a domain as nearly everybody writes it (RFC 5322 3.2.3)."""
_GAP = r"[ \t]*+"
_WORD = rf"(?:{ATEXT}++|{QUOTED})"
LOCAL = rf"{_WORD}(?:{_GAP}\.{_GAP}{_WORD})*+"
"""A local part, with the blanks around its dots that RFC 5322 4.4 still wants read."""
DOMAIN = rf"(?:{ATEXT}++(?:{_GAP}\.{_GAP}{ATEXT}++)*+|\[[^\[\]\\\x00-\x1f\x7f]*+\])"
"""A domain or a domain-literal, with the blanks around its dots of RFC 5322 4.4."""

_ADDRESS = re.compile(rf"({LOCAL})@({DOMAIN})", re.DOTALL)
_DOT_ATOM = re.compile(DOT_ATOM)
_PIECES = re.compile(rf"{QUOTED}|[ \t]++", re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_BECOMES_ASCII_IN_NFC = re.compile("([\u037e\u1fef\u212a])")
_BECOMES_ASCII_IN_LOWER_CASE = re.compile("([\u0130\u212a])")
_LONGEST = 1000
"""Characters; what is longer names nobody (RFC 5321 4.5.3.1), and NFC takes time by the square of the length."""
_LONGEST_DOMAIN = 253
"""Characters; a longer name has no A-label form, which is never shorter and has at most as many octets."""


class Mailbox(NamedTuple):
    """An address in the form in which addresses are compared; made by ``mailbox`` or ``parse_mailbox``.

    A tuple, because every look into a book hashes one and compares it.
    """

    local: str
    """The meaning, without quotes."""
    domain: str
    """In A-labels; with characters outside ASCII only where there is no A-label form."""

    def __str__(self) -> str:
        """Return the address as text, the local part quoted where it must be."""
        local = self.local
        if not _DOT_ATOM.fullmatch(local):
            escaped = local.replace("\\", "\\\\").replace('"', '\\"')
            local = f'"{escaped}"'
        return f"{local}@{self.domain}" if self.domain else local


def mailbox(local: str, domain: str) -> Mailbox:
    """Return the mailbox that ``local`` and ``domain`` name, both as they stand in a message."""
    return Mailbox(_local_part(local), normal_domain(domain))


def parse_mailbox(text: str) -> Mailbox | None:
    """Read ``local@domain`` with nothing around it (RFC 5322 addr-spec); None if it is something else."""
    found = _ADDRESS.fullmatch(text)
    return mailbox(found[1], found[2]) if found else None


def in_ascii(text: str, box: Mailbox | None) -> str | None:
    """Return an address as it was written, its domain as A-labels where that is enough to make it ASCII; else None."""
    if text.isascii():
        return text
    local = text.rpartition("@")[0]
    if box is not None and local.isascii() and box.domain.isascii() and box.domain:
        return f"{local}@{box.domain}"
    return None


def normal_text(text: str) -> str:
    """Return ``text`` in NFC and lower case; no character outside ASCII becomes one of ASCII."""
    if text.isascii():
        return text.lower()
    if len(text) > _LONGEST:
        return text
    composed = _except(_BECOMES_ASCII_IN_NFC, _nfc, text)
    lower = _except(_BECOMES_ASCII_IN_LOWER_CASE, str.lower, composed)
    return _except(_BECOMES_ASCII_IN_NFC, _nfc, lower)


def normal_domain(domain: str) -> str:
    """Return ``domain`` as A-labels in lower case (IDNA 2008), or in NFC and lower case if it has no such form."""
    if " " in domain or "\t" in domain:
        domain = domain.replace(" ", "").replace("\t", "")
    if domain.isascii():
        return domain.lower()
    return domain if len(domain) > _LONGEST else _a_labels(domain)


def bases(local: str, separator: str, longest: int) -> Iterator[str]:
    """Yield what ``local`` may be a subaddress of, longest first, none over ``longest`` characters."""
    end = len(local)
    if not separator:
        return
    while (end := local.rfind(separator, 1, min(end - 1, longest) + len(separator))) > 0:
        yield local[:end]


def _local_part(local: str) -> str:
    if '"' in local or " " in local or "\t" in local:
        local = _PIECES.sub(_meaning, local)
    return local.lower() if local.isascii() else normal_text(local)


def _meaning(piece: re.Match[str]) -> str:
    text = piece[0]
    return _PAIR.sub(r"\1", text[1:-1]) if text.startswith('"') else ""


@lru_cache(maxsize=1024)
def _a_labels(domain: str) -> str:
    text = normal_text(domain)
    if len(text) > _LONGEST_DOMAIN:
        return text
    import idna

    try:
        return idna.encode(text, strict=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return text


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _except(kept: re.Pattern[str], change: Callable[[str], str], text: str) -> str:
    """Change the text between the characters that ``kept`` captures, and keep those."""
    return "".join(piece if number % 2 else change(piece) for number, piece in enumerate(kept.split(text)))
