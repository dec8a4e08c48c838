"""An mbox as header sections, in whatever pieces its octets come.  Pure.

A line that begins with ``From `` begins a message if an empty line stands above it or a time of day in it;
so neither mboxo nor mboxrd is misread, and a sentence in a body that nobody quoted rarely is.
"""

import re
from collections.abc import Iterable, Iterator

from relay.mail.fields import blank_line

_FROM = b"\nFrom "
_LONGEST_LINE = 1000
"""Octets; a longer line begins no message."""
_FIELD = re.compile(rb"From [ \t]*+:")
_TIME = re.compile(rb"[0-9]:[0-9]{2}")
_LINE_AND_MORE = re.compile(rb"From [^\n]*+\n(?:>From |[!-9;-~]++[ \t]*+:)")


def begins_mbox(octets: bytes) -> bool:
    """Tell whether a file that begins with ``octets`` is an mbox; empty lines before the first message do not matter."""
    beginning = octets.lstrip(b"\r\n")
    line = beginning[: beginning.find(b"\n") + 1 or _LONGEST_LINE]
    if not line.startswith(_FROM[1:]) or _FIELD.match(line):
        return False
    return bool(_TIME.search(line) or _LINE_AND_MORE.match(beginning))


def header_sections(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Yield the header section of each message with its empty line, of a larger one ``limit`` octets and one more.

    Holds no more than a piece and a header section in memory.
    """
    reader = _Reader(limit)
    for piece in pieces:
        yield from reader.read(piece, last=False)
    yield from reader.read(b"", last=True)


class _Reader:
    """Where in an mbox we are: in a header section, or skipping a body."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._octets = b"\n\n"
        """What is kept; the beginning of the file is like the end of a body."""
        self._begin = -1
        """Where in it the header section at hand begins; -1: in a body."""
        self._at = 1
        """From where on no ``From `` line was looked for yet."""

    def read(self, piece: bytes, *, last: bool) -> Iterator[bytes]:
        """Yield the header sections that end with ``piece``."""
        self._octets += piece
        while True:
            if self._begin < 0:
                if not self._skip_body(last=last):
                    break
            elif (head := self._head(last=last)) is not None:
                yield head
            else:
                break
        kept = self._begin if self._begin >= 0 else self._at
        kept = max(kept - 2, 0)  # what stands above a line decides what it is
        self._octets = self._octets[kept:]
        self._at -= kept
        self._begin = self._begin - kept if self._begin >= 0 else -1

    def _skip_body(self, *, last: bool) -> bool:
        begin, end = self._next_message(len(self._octets), last=last)
        self._at = begin
        if end:
            self._begin_message(end)
        return bool(end)

    def _head(self, *, last: bool) -> bytes | None:
        """Return the header section at hand; None where its end is still to come."""
        begin = self._begin
        blank, blank_end = blank_line(self._octets, begin)
        found = blank < blank_end
        next_begin, next_end = self._next_message(blank_end, last=last)
        if next_end:
            self._begin_message(next_end)
            return self._cut(begin, next_begin)
        if found or last:
            self._begin, self._at = -1, blank_end - 1
            return self._cut(begin, blank_end)
        if self._limit and next_begin - begin > self._limit:
            self._begin, self._at = -1, next_begin
            return self._cut(begin, next_begin)
        self._at = next_begin
        return None

    def _begin_message(self, begin: int) -> None:
        self._begin, self._at = begin, begin - 1

    def _cut(self, begin: int, end: int) -> bytes:
        return self._octets[begin : min(end, begin + self._limit + 1) if self._limit else end]

    def _next_message(self, stop: int, *, last: bool) -> tuple[int, int]:
        """Return begin and end of the next line that begins a message, if it begins before ``stop``.

        Without one the end is 0, and it is to be looked for again from the begin on.
        """
        octets, start = self._octets, self._at
        while (found := octets.find(_FROM, start, stop)) >= 0:
            start = found + 1
            end = octets.find(b"\n", start, start + _LONGEST_LINE) + 1
            if not end and len(octets) < start + _LONGEST_LINE:
                if not last:
                    return found, 0
                end = len(octets)
            if end and self._begins_message(start, end):
                return start, end
        return max(start, stop - len(_FROM) + 1), 0

    def _begins_message(self, begin: int, end: int) -> bool:
        octets = self._octets
        if _FIELD.match(octets, begin, end):
            return False
        below_empty_line = octets.endswith((b"\n", b"\n\r"), max(begin - 3, 0), begin - 1)
        return below_empty_line or _TIME.search(octets, begin, end) is not None
