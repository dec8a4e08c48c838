"""Find the end of a message's data, undo dot-stuffing, notice bare CR and LF.  Pure: sans-IO, fed with chunks.

However the octets are cut into chunks, the result is the same.  Data ends at CRLF.CRLF and nowhere
else (RFC 5321 4.1.1.4); every other octet is kept, whatever it is and however long its line.
"""

import re

from relay.mail.line_ends import has_bare

_DOT = b"\r\n."
_END = b"\r\n.\r\n"
_BEGINNINGS = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")
_LINE_END = re.compile(rb"\r\r?\n|\r|\n")
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


class ContentReader:
    """Takes what follows the 354 in chunks, gives back the content's octets."""

    bare = False
    """A CR or LF stood alone."""
    done = False
    """The end of data was found."""
    rest = b""
    """What came behind the end of data: commands."""
    size = 0
    """Octets given back so far."""
    skimming = False
    """Set it to have the rest of the data read but not given back."""
    _held = b"\r\n"  # the line end of the DATA command counts (RFC 5321 4.1.1.4); not part of the content
    _behind = 2

    def __init__(self, *, normalise: bool) -> None:
        """With ``normalise`` every line end becomes CRLF; without, bare ones are only noticed."""
        self.normalise = normalise

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk; return the octets of the content that are certain by now.  Not to be called once done."""
        octets = self._held + chunk
        dot = octets.find(_DOT)  # most chunks have none, and this one look tells all
        end = octets.find(_END, dot) if dot >= 0 else -1
        if end >= 0:
            self.done = True
            self.rest = octets[end + 5 :]
            octets = octets[: end + 2]
        else:
            cut = len(octets) - self._undecided(octets)
            self._held = octets[cut:]
            octets = octets[:cut]
        return b"" if self.skimming else self._kept(octets, stuffed=dot >= 0 and dot != end)

    def _undecided(self, octets: bytes) -> int:
        """Return how many octets at the end mean nothing before their neighbours are known."""
        if not octets.endswith((b"\r", b"\n", b".")):
            return 0
        length = next((len(start) for start in _BEGINNINGS if octets.endswith(start)), 0)
        return length + 1 if length and octets[-length - 1 : -length] == b"\r" else length

    def _kept(self, octets: bytes, *, stuffed: bool) -> bytes:
        if not octets:
            return b""
        stray = has_bare(octets)
        if stuffed:
            octets = octets.replace(_DOT, b"\r\n")
        if stray:
            self.bare = True
            if self.normalise:
                octets = _LINE_END.sub(b"\r\n", octets)
        if self._behind:
            octets = octets[2:]
            self._behind = 0
        self.size += len(octets)
        return octets


def has_more_received(head: bytes, limit: int) -> bool:
    """Tell whether a header section has more than ``limit`` Received fields; 0 means no limit."""
    if not limit or head.lower().count(b"received") <= limit:
        return False
    return len(_RECEIVED.findall(head)) > limit
