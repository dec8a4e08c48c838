"""One stored message: its header section at hand, the rest read where somebody wants it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from relay.mail.content import HeldContent, head_end
from relay.replay.head import PIECE, head_of


class StoredMessage:
    """A message in a file (see ``relay.mail.content.Content``); OSError where it cannot be read."""

    def __init__(self, path: Path, limit: int) -> None:
        """Read the header section, or a little more than ``limit`` of it (0: none)."""
        self._path = path
        with path.open("rb") as stored:
            octets = head_of(pieces(stored), limit)
        end = head_end(octets)
        self.head_is_whole = not limit or end <= limit
        self.head = octets[:end] if self.head_is_whole else octets

    @property
    def size(self) -> int:
        """Octets in all."""
        return self._path.stat().st_size

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` on."""
        with self._path.open("rb") as stored:
            stored.seek(offset)
            yield from pieces(stored)


def from_stream(stream: IO[bytes], limit: int, *, whole: bool) -> HeldContent:
    """Return the message in ``stream``, which is read to its end; only what ``head_of`` says unless ``whole``."""
    if whole:
        return HeldContent(stream.read(), limit)
    head = head_of(pieces(stream), limit)
    for _ in pieces(stream):
        pass
    return HeldContent(head, limit)


def pieces(stored: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left, piece by piece."""
    return iter(partial(stored.read, PIECE), b"")
