"""What a client sends, as it comes: handed straight to the session that waits for it, kept for one that is busy.

Stands where aiosmtpd has asyncio's StreamReader (docs/decisions/0015-reading.md).  Knows no line and no reply.
"""

import asyncio
from asyncio.streams import FlowControlMixin

from aiosmtpd.smtp import SMTP

ROOM = 128 * 1024
"""Octets kept for a busy session; with more than these nothing is read from the client."""


class Incoming(SMTP):
    """The receiving end of a connection; one session at most waits at it."""

    session = None
    envelope = None
    transport: asyncio.Transport | None = None
    _waiter: asyncio.Future[bytes] | None = None
    _at_end = False
    _over_ssl = False
    _stopped: asyncio.Transport | None = None
    """What is not read from because there is no room; not ``transport`` where TLS came on top of it meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # SMTP.__init__ costs 200 microseconds of introspection and may ask DNS for our own name: skipped; so is
        # StreamReaderProtocol's, in all methods: without a reader it would only keep a future that nobody waits for
        FlowControlMixin.__init__(self, loop)
        self.loop = loop
        self._kept = bytearray()

    def data_received(self, data: bytes) -> None:
        """Hand the octets on, or keep them."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():  # done: the session was cancelled
                waiter.set_result(data)
            return
        self._kept += data
        if len(self._kept) > ROOM and self._stopped is None and self.transport is not None:
            self._stopped = self.transport
            self._stopped.pause_reading()

    def eof_received(self) -> bool | None:
        """Keep our half open: the client may be waiting for a reply."""
        self._end()
        return not self._over_ssl  # TLS has no halves

    def connection_lost(self, error: Exception | None) -> None:
        """Let the session find out.  Where the connection broke, it does not hear what it has not looked at yet."""
        if error is not None:
            self._kept.clear()
        self._end()
        FlowControlMixin.connection_lost(self, error)
        self.transport = self._stopped = None

    def next_octets(self) -> asyncio.Future[bytes]:
        """Return what came, or else will come next; nothing when the client is gone."""
        octets = self.loop.create_future()
        if self._kept:
            if self._stopped is not None:
                self._stopped.resume_reading()
            octets.set_result(self.take_kept())
        elif self._at_end:
            octets.set_result(b"")
        else:
            self._waiter = octets
        return octets

    def take_kept(self) -> bytes:
        """Return, and forget, what came while nobody waited; whether more is read is up to the caller."""
        kept = bytes(self._kept)
        self._kept.clear()
        self._stopped = None
        return kept

    def _end(self) -> None:
        self._at_end = True
        if self._waiter is not None:
            self.data_received(b"")
