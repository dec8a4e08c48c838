"""The content of a message: octets with its header section at hand, wherever they are kept.  Pure.

Whoever receives a message makes a ``Content``; whoever judges, forwards or stores it reads one.
Lines of a content end in CRLF, the last one too; it is not dot-stuffed.
"""

from collections.abc import Iterator
from typing import Protocol

from relay.mail.fields import blank_line


class Pieces(Protocol):
    """Octets that come in pieces."""

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` on; may be called again."""
        ...


class Content(Protocol):
    """A received message; readable any number of times until it is closed by whoever made it."""

    @property
    def size(self) -> int:
        """Octets in all."""
        ...

    @property
    def head(self) -> bytes:
        """Every octet up to and including the empty line; of a larger one ``limits.header_size`` and one more."""
        ...

    @property
    def head_is_whole(self) -> bool:
        """``head`` was not cut short by the limit."""
        ...

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` on, in pieces of at most 256 KiB where they are kept in a file."""
        ...


class HeldContent:
    """A content whose octets are in memory."""

    __slots__ = ("head", "head_is_whole", "octets")

    def __init__(self, octets: bytes, header_limit: int = 0) -> None:
        """Take ``octets``; ``header_limit`` in octets, 0 means none."""
        self.octets = octets
        end = head_end(octets)
        self.head_is_whole = not header_limit or end <= header_limit
        self.head = octets[: end if self.head_is_whole else header_limit + 1]

    @property
    def size(self) -> int:
        """Octets in all."""
        return len(self.octets)

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield all octets from ``offset`` on at once."""
        if offset < len(self.octets):
            yield self.octets[offset:] if offset else self.octets


def head_end(octets: bytes) -> int:
    """Return where the header section ends: behind the first empty line (CRLF or LF), or at the end."""
    return blank_line(octets)[1]
