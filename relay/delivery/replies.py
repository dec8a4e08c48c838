"""Replies read from octets, strictly and in bounded memory (RFC 5321 4.2).  Pure: fed with chunks.

A line is three digits of which the first is 2 to 5, then a blank, a hyphen (more lines follow) or
nothing, then text; all lines of a reply have the same code.  CRLF ends a line, and so does LF alone,
which some servers send.  A long reply is cut, not refused: a wordy "250" is still a 250.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from relay.errors import PeerError
from relay.mail.reply import Reply, from_peer

MOST_KEPT = 8 * 1024
"""Octets of text kept of one reply; what follows is read and forgotten."""
MOST_READ = 64 * 1024
"""Octets of one reply; a longer one is rubbish."""
_OFTEN = 128
"""Octets of a line that may be one of those that a server says again and again, such as ``250 2.1.0 Ok``."""

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class ReplyReader:
    """Turns what a server sends into replies; any chunking gives the same ones."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0  # octets of the buffer known to hold no LF
        self._code = b""
        self._lines: list[bytes] = []
        self._kept = self._read = 0  # octets of the reply at hand

    def feed(self, octets: bytes) -> Iterator[Reply]:
        """Take ``octets`` and yield the replies that they complete; PeerError behind the last if they are no SMTP."""
        for line in self._completed(octets):
            reply = _whole(line) if not self._code and len(line) <= _OFTEN else None
            if reply is None:
                reply = self._take(line)
            if reply is not None:
                yield reply
        if self._seen:
            self._check(self._read + self._seen)

    def _completed(self, octets: bytes) -> list[bytes]:
        """Return the lines that ``octets`` complete, without LF; keep what comes behind the last."""
        if not self._buffer and octets.endswith(b"\n"):
            *lines, _ = octets.split(b"\n")
            return lines
        self._buffer += octets
        if self._buffer.find(b"\n", self._seen) < 0:
            lines = []
        else:
            *lines, rest = bytes(self._buffer).split(b"\n")
            self._buffer = bytearray(rest)
        self._seen = len(self._buffer)
        return lines

    def _check(self, read: int) -> None:
        if read > MOST_READ:
            raise PeerError(f"a reply is longer than {MOST_READ} octets")

    def _take(self, line: bytes) -> Reply | None:
        self._read += len(line) + 1
        self._check(self._read)
        line = line.removesuffix(b"\r")
        found = _LINE.fullmatch(line)
        if found is None:
            raise PeerError(f"a line is no SMTP reply: {_shown(line)}")
        code, more, text = found[1], found[2] == b"-", found[3] or b""
        if self._code and code != self._code:
            raise PeerError(f"a reply changes its code from {self._code.decode()} to {code.decode()}")
        self._code = code
        if self._kept < MOST_KEPT:
            self._lines.append(text[: MOST_KEPT - self._kept])
            self._kept += len(text) + 1
        if more:
            return None
        reply = from_peer(int(code), self._lines)
        self._code, self._lines, self._kept, self._read = b"", [], 0, 0
        return reply


@lru_cache(maxsize=256)
def _whole(line: bytes) -> Reply | None:
    """Return the reply that ``line`` is by itself; None if it is none."""
    found = _LINE.fullmatch(line.removesuffix(b"\r"))
    if found is None or found[2] == b"-":
        return None
    return from_peer(int(found[1]), [found[3] or b""])


def _shown(line: bytes) -> str:
    text = re.sub(r"[^\x20-\x7e]", "?", line[:80].decode("ascii", "replace"))
    return f'"{text}"' + ("…" if len(line) > 80 else "")
