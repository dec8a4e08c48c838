"""Header octets to fields, and header edits applied to them; never looks at the body.  Pure.

Only CRLF or LF ends a line.  No octets make ``read_header`` raise.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

_ROW = (
    rb"(?:([!-9;-~]++)[ \t]*+:)?+"  # without a name and a colon it is no field
    rb"([^\n]*+(?:\n[ \t][^\n]*+)*+)\n?+"  # the line and its continuation lines
)
_ROWS = re.compile(rb"(?s:(?=.))(" + _ROW + rb")")
_NAMES_AND_VALUES = re.compile(rb"(?s:(?=.))" + _ROW)
_NAMES = re.compile(rb"(?s:(?=.))(?:([!-9;-~]++)[ \t]*+:)?+[^\n]*+(?:\n[ \t][^\n]*+)*+\n?+")
"""As ``_NAMES_AND_VALUES``, for the names alone."""
_NAME = re.compile(rb"([!-9;-~]++)[ \t]*+:")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_MBOX_LINE = re.compile(rb"From (?![ \t]*+:)[^\n]*+\n")
"""What an mbox puts before a message; a From field with a blank before its colon is none."""
_ENDS_A_LINE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f-\xff]")
_LF = 0x0A
"""As a number, which is looked for at once; of octets Python first tries whether they are a number."""
_LONGEST_BEGINNING = 1000
"""Octets of a line in a stream that are enough to know by what it is."""


class Row(NamedTuple):
    """A field as it stands in the header section, or a line that is no field (then the name is empty)."""

    octets: bytes
    """The whole of it, line ends included."""
    name: bytes
    """As written."""
    value: bytes
    """What follows the colon, folds included, without the last line's LF; of no field the whole line."""


@dataclass(frozen=True, slots=True)
class HeaderSection:
    """The rows of a header section in order, and what stood before and after them."""

    mbox_line: bytes
    """A leading ``From `` line of an mbox, or nothing."""
    rows: tuple[Row, ...]
    rest: bytes
    """The empty line that ends the header section, and whatever came with it."""


@dataclass(frozen=True, slots=True)
class HeaderEdit:
    """What a stamp does to a header section: fields to take out by name, fields to put on top."""

    removed: re.Pattern[bytes] | None
    """Matched in full against a field's name in lower case."""
    inserted: tuple[tuple[str, str], ...]
    """Names and values in the order in which they stand afterwards; ASCII."""

    @property
    def lines(self) -> list[str]:
        """What is put on top, as ``Name: value``, for people."""
        return [f"{name}: {value}" for name, value in self.inserted]


def read_header(head: bytes) -> HeaderSection:
    """Return the header section that ``head`` starts with; what follows its empty line is kept in ``rest``."""
    start = _start_of_fields(head)
    end, _ = blank_line(head, start)
    rows = tuple(map(Row._make, _ROWS.findall(head, start, end)))
    return HeaderSection(head[:start], rows, head[end:])


def names_and_values(head: bytes, end: int) -> list[tuple[bytes, bytes]]:
    """Return name and value of every row of a header section whose empty line begins at ``end``; see ``Row``."""
    found: list[tuple[bytes, bytes]] = _NAMES_AND_VALUES.findall(head, _start_of_fields(head), end)
    return found


def _start_of_fields(head: bytes) -> int:
    mbox_line = _MBOX_LINE.match(head)
    return mbox_line.end() if mbox_line else 0


def blank_line(octets: bytes, start: int = 0) -> tuple[int, int]:
    """Return where the first empty line from ``start`` on begins and ends; without one, twice the length."""
    if octets.startswith((b"\r\n", b"\n"), start):
        return start, octets.index(b"\n", start) + 1
    found = _BLANK_LINE.search(octets, start)
    return (found.start() + 1, found.end()) if found else (len(octets), len(octets))


def unfold(value: bytes) -> bytes:
    """Return the value of a ``Row`` on one line, blanks around it removed (RFC 5322 2.2.3)."""
    if _LF in value:  # in a row every LF is a fold
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value.strip(b" \t\r\n")


def text_on_one_line(value: bytes) -> str:
    """Return the value of a ``Row`` as text: ``unfold`` and ``text_of`` in one, for values that are read of every message."""
    if _LF in value:
        value = unfold(value)
    return value.strip(b" \t\r\n").decode("utf-8", "surrogateescape")


def text_of(octets: bytes) -> str:
    """Return octets as text: UTF-8, and what is not UTF-8 as lone surrogates, so that nothing is lost."""
    return octets.decode("utf-8", "surrogateescape")


def field_line(name: str, value: str) -> bytes:
    """Return one field as octets, ending in CRLF; what could end the line early becomes ``?``."""
    return _ENDS_A_LINE.sub(b"?", f"{name}: {value}".encode("ascii", "replace")) + b"\r\n"


def edited(head: bytes, edit: HeaderEdit, on_top: Iterable[bytes] = ()) -> tuple[bytes, int]:
    """Apply ``edit`` to the header section of ``head``.

    Returns the octets that replace the first n octets of the content, and n; everything behind them stays
    as it is.  ``on_top`` are whole lines that go below the inserted fields and above the rest (our Received).
    A leading mbox ``From `` line stays the first line.
    """
    top = b"".join([*[field_line(name, value) for name, value in edit.inserted], *on_top])
    start = _start_of_fields(head)
    if edit.removed is None or not _stands_in(head, start, edit.removed):
        return head[:start] + top, start
    section = read_header(head)
    kept = [row.octets for row in section.rows if not edit.removed.fullmatch(row.name.lower())]
    return b"".join([section.mbox_line, top, *kept]), len(head) - len(section.rest)


def _stands_in(head: bytes, start: int, removed: re.Pattern[bytes]) -> bool:
    """Tell whether a field may have to be taken out; mostly none has.  What stands below the header section is asked, too."""
    return any(map(removed.fullmatch, _NAMES.findall(head.lower(), start)))


def edited_stream(chunks: Iterable[bytes], edit: HeaderEdit, on_top: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Apply ``edit`` to a whole content as it streams by, for header sections too large to hold."""
    pieces = iter(chunks)
    beginning = b""
    while b"\n" not in beginning and len(beginning) < _LONGEST_BEGINNING and (piece := next(pieces, b"")):
        beginning += piece
    found = _MBOX_LINE.match(beginning)
    mbox_line = found[0] if found else b""
    yield b"".join([mbox_line, *(field_line(name, value) for name, value in edit.inserted), *on_top])
    lines = _Lines(edit)
    for chunk in chain((beginning[len(mbox_line) :],), pieces):
        yield lines.kept(chunk)
    yield lines.rest()


class _Lines:
    """Drops the lines of removed fields from a content that comes in chunks."""

    def __init__(self, edit: HeaderEdit) -> None:
        self._removed = edit.removed
        self._buffer = b""
        self._keep = True  # the field at hand
        self._inside_line = False  # the beginning of the line at hand is judged already
        self._in_body = edit.removed is None

    def kept(self, chunk: bytes) -> bytes:
        """Return what of ``chunk``, and of what was held back, goes on."""
        if self._in_body:
            return chunk
        octets = self._buffer + chunk
        self._buffer = b""
        pieces = []
        start = 0
        while start < len(octets) and not self._in_body:
            end = octets.find(b"\n", start) + 1
            if not end and not self._inside_line and len(octets) - start < _LONGEST_BEGINNING:
                self._buffer = octets[start:]
                break
            line = octets[start : end or len(octets)]
            self._judge(line)
            if self._keep:
                pieces.append(line)
            self._inside_line = not end
            start += len(line)
        else:
            pieces.append(octets[start:])
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Return what was held back of a last line without an end."""
        self._judge(self._buffer)
        return self._buffer if self._keep else b""

    def _judge(self, line: bytes) -> None:
        if self._inside_line or line.startswith((b" ", b"\t")):
            return
        self._in_body = line in (b"\r\n", b"\n")
        field = _NAME.match(line, 0, _LONGEST_BEGINNING)
        self._keep = field is None or self._removed is None or not self._removed.fullmatch(field[1].lower())
