"""Octets below an item's head, at hand: in memory, or in an open file."""

import os
from collections.abc import Iterator
from typing import BinaryIO

_PIECE = 256 * 1024


class RowOctets:
    """Octets that came with their row."""

    __slots__ = ("_begins_at", "_octets")

    def __init__(self, octets: bytes, begins_at: int) -> None:
        """``octets`` are those of the received content from ``begins_at`` on."""
        self._octets = octets
        self._begins_at = begins_at

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` of the received content on, at once."""
        skipped = offset - self._begins_at
        if skipped < len(self._octets):
            yield self._octets[skipped:] if skipped else self._octets


class FileOctets:
    """Octets in an open file; whoever opened it closes it."""

    __slots__ = ("_begins_at", "_file")

    def __init__(self, file: BinaryIO, begins_at: int) -> None:
        """``file`` holds the received content from ``begins_at`` on."""
        self._file = file
        self._begins_at = begins_at

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` of the received content on; several readers do not disturb each other."""
        number = self._file.fileno()
        offset -= self._begins_at
        while piece := os.pread(number, _PIECE, offset):
            yield piece
            offset += len(piece)
