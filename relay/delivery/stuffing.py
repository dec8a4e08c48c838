"""Content made fit for the wire: dots stuffed in bulk, bare CR and LF refused (RFC 5321 4.5.2).  Pure."""

from relay.errors import LocalProtocolError


class DotStuffer:
    """Stuffs one content, chunk by chunk; any chunking gives the same octets."""

    def __init__(self) -> None:
        self._tail = b"\r\n"
        """The last two octets of the content so far; at its start a line starts."""
        self._cr = self._lf = self._crlf = 0

    def feed(self, chunk: bytes) -> bytes:
        """Return ``chunk`` with a dot in front of every line that starts with one."""
        if not chunk:
            return chunk
        joined = self._tail + chunk
        kept = len(self._tail)
        self._cr += chunk.count(b"\r")
        self._lf += chunk.count(b"\n")
        self._crlf += joined.count(b"\r\n") - (self._tail == b"\r\n")
        self._tail = joined[-2:]
        return joined.replace(b"\r\n.", b"\r\n..")[kept:]

    def finish(self) -> bytes:
        """Return what is still due: the end of an unfinished last line, and the final dot.

        LocalProtocolError if a bare CR or LF went by: a content like that is never finished, because
        two servers may not agree on where it ends.
        """
        if not self._cr == self._lf == self._crlf:
            raise LocalProtocolError("the content holds a bare CR or LF")
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
