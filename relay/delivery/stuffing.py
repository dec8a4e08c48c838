"""Content made fit for the wire: dots stuffed in bulk, bare CR and LF refused (RFC 5321 4.5.2).  Pure."""

from relay.errors import LocalProtocolError
from relay.mail.line_ends import LineEnds


class DotStuffer:
    """Stuffs one content, chunk by chunk; any chunking gives the same octets."""

    def __init__(self) -> None:
        self._tail = b"\r\n"
        """The last two octets of the content so far; at its start a line starts."""
        self._ends = LineEnds()

    def feed(self, chunk: bytes) -> bytes:
        """Return ``chunk`` with a dot in front of every line that starts with one."""
        if not chunk:
            return chunk
        self._ends.feed(chunk)
        tail = self._tail
        self._tail = chunk[-2:] if len(chunk) > 1 else tail[-1:] + chunk
        if b"\r\n." in tail + chunk[:2]:
            return (tail + chunk).replace(b"\r\n.", b"\r\n..")[2:]
        return chunk.replace(b"\r\n.", b"\r\n..")

    def finish(self) -> bytes:
        """Return what is still due: the end of an unfinished last line, and the final dot.

        LocalProtocolError if a bare CR or LF went by: a content like that is never finished, because
        two servers may not agree on where it ends.
        """
        if self._ends.finish():
            raise LocalProtocolError("the content holds a bare CR or LF")
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
