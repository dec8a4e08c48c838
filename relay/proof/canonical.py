"""What a signature is made of: fields and a body in their canonical form (RFC 6376 3.4, 3.7).  Pure.

Every step takes time by the length of what it reads, whatever that is; a body is never held.  Where a line ends
in a bare LF, it counts as CRLF, as it did when it was on its way.
"""

import hashlib
import re
from collections.abc import Sequence

from relay.mail.fields import Row, unfold
from relay.proof.signature import Signature

_BARE_LF = re.compile(rb"(?<!\r)\n")
_RUN = re.compile(rb"[ \t]{2,}+|\t")
_SIGNATURE_TAG = re.compile(rb"(\A[^=;]*+|;[^=;]*+)=[^;]*+")
_BLANKS = b" \t\r\n"
_MOST_AT_ONCE = 1 << 15
"""Line ends that are hashed at once."""


def signed_octets(rows: Sequence[Row], signature: Signature) -> bytes:
    """Return what b= signs: the covered fields, of each name from the bottom, then the signature's own without b=."""
    left: dict[bytes, list[Row]] = {}
    for row in rows:
        left.setdefault(row.name.lower(), []).append(row)
    form = _relaxed_field if signature.relaxed_header else _simple_field
    covered = [form(name.pop().octets) for each in signature.covers if (name := left.get(each))]
    return b"".join([*covered, form(_without_b(signature.row)).removesuffix(b"\r\n")])


def _without_b(row: Row) -> bytes:
    name, colon, value = row.octets.partition(b":")

    def emptied(tag: re.Match[bytes]) -> bytes:
        return tag[1] + b"=" if tag[1].strip(_BLANKS + b";") == b"b" else tag[0]

    return name + colon + _SIGNATURE_TAG.sub(emptied, value)


def _simple_field(octets: bytes) -> bytes:
    line = octets.removesuffix(b"\n").removesuffix(b"\r")
    return _BARE_LF.sub(b"\r\n", line) + b"\r\n"


def _relaxed_field(octets: bytes) -> bytes:
    name, _, value = octets.partition(b":")
    return name.lower() + b":" + _RUN.sub(b" ", unfold(value)) + b"\r\n"


class BodyHash:
    """Hashes a body that comes in pieces (SHA-256)."""

    __slots__ = ("_ends", "_hash", "_held", "_relaxed", "_something")

    def __init__(self, *, relaxed: bool) -> None:
        self._relaxed = relaxed
        self._hash = hashlib.sha256()
        self._held = b""  # the end of the last piece, which the next one may change
        self._ends = 0  # line ends that count only if something follows
        self._something = False

    def feed(self, piece: bytes) -> None:
        """Take the next octets."""
        octets = self._held + piece
        if octets.count(b"\n") != octets.count(b"\r\n"):
            octets = _BARE_LF.sub(b"\r\n", octets)
        if self._relaxed:
            whole = octets.removesuffix(b"\r").rstrip(b" \t")
            self._held = _RUN.sub(b" ", octets[len(whole) :])
            octets = _relaxed_lines(whole)
        else:
            whole = octets.removesuffix(b"\r")
            self._held = octets[len(whole) :]
            octets = whole
        self._take(octets)

    def digest(self) -> bytes:
        """Return the hash of everything; nothing may follow."""
        self._take(self._held.rstrip(b" \t") if self._relaxed else self._held)
        if self._something or not self._relaxed:
            self._hash.update(b"\r\n")
        return self._hash.digest()

    def _take(self, octets: bytes) -> None:
        """Hash ``octets`` but for the line ends behind them."""
        text = octets.rstrip(b"\r\n")
        rest = octets[len(text) :].replace(b"\r\n", b"\n")
        ends = len(rest) - len(rest.rstrip(b"\n"))
        text = octets[: len(octets) - 2 * ends]
        if not text:
            self._ends += ends
            return
        while self._ends:
            some = min(self._ends, _MOST_AT_ONCE)
            self._hash.update(b"\r\n" * some)
            self._ends -= some
        self._hash.update(text)
        self._ends = ends
        self._something = True


def _relaxed_lines(octets: bytes) -> bytes:
    """Return lines with one blank for several, and none before a line end."""
    if b"\t" in octets or b"  " in octets:
        octets = _RUN.sub(b" ", octets)
    return octets.replace(b" \r\n", b"\r\n")
