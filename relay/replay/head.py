"""The header section at the beginning of a stored message; what stands behind it is not read."""

import re
from collections.abc import Iterable

PIECE = 64 * 1024
"""Octets to read at once."""
_BLANK_LINE = re.compile(rb"\A\r?\n|\n\r?\n")


def head_of(pieces: Iterable[bytes], limit: int) -> bytes:
    """Return the octets up to the empty line and perhaps some more; of a larger one a little more than ``limit`` (0: none)."""
    octets = bytearray()
    for piece in pieces:
        searched = max(0, len(octets) - 3)
        octets += piece
        if _BLANK_LINE.search(octets, searched) or (limit and len(octets) > limit):
            break
    return bytes(octets)
