"""The octets between us and a hop: what is written, which replies are due, and when a connection is spent.

Takes a transport over after the handshake.  A reply that nobody waits for, or octets that are no reply,
end the connection at once; so does 421, which also answers everything that was still due.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from relay.deadline import Deadline
from relay.delivery.faults import DroppedError
from relay.delivery.replies import ReplyReader
from relay.errors import PeerError
from relay.mail.reply import Reply

_SOONEST = 1e-6
"""Seconds: a deadline of 0 would be none."""


@dataclass(frozen=True, slots=True)
class Link:
    """Between which addresses octets go; both are empty on a unix socket."""

    ours: str
    theirs: str
    encrypted: bool


class Wire(asyncio.Protocol):
    """One transport, read reply by reply; used by one task at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._due = 0  # replies that are to come and have not come yet
        self._fault: PeerError | None = None
        self._farewell: Reply | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(self._loop, self._expired)
        self._patience = 0.0
        self._lost = self._loop.create_future()
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Nothing went wrong so far, and the connection stands."""
        return self._fault is None

    @property
    def link(self) -> Link:
        """What the transport says of itself."""
        ends = (self._transport.get_extra_info(name) for name in ("sockname", "peername"))
        ours, theirs = (end[0] if isinstance(end, tuple) else "" for end in ends)
        return Link(ours, theirs, self._transport.get_extra_info("ssl_object") is not None)

    def send(self, octets: bytes, replies: int) -> None:
        """Write ``octets``, which call for so many ``replies``; PeerError if the connection is spent."""
        self._check()
        self._due += replies
        self._transport.write(octets)

    async def reply(self, seconds: float | None) -> Reply:
        """Return the next reply that is due; PeerError if none comes in ``seconds`` (None: no limit)."""
        if not self._replies:
            self._give(seconds)
            while not self._replies:
                if self._farewell is not None:
                    return self._farewell
                self._check()
                await self._change()
            self._deadline.clear()
        return self._replies.popleft()

    async def drain(self, seconds: float | None) -> None:
        """Wait until the hop takes more; PeerError if it does not in ``seconds``, or has spoken out of turn."""
        self._check()
        if self._paused:
            self._give(seconds)
            await self._room()
            self._deadline.clear()

    def close(self) -> None:
        """Close when everything written is sent."""
        self._fault = self._fault or PeerError("we have closed the connection")
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what is not sent yet is dropped."""
        self._fault = self._fault or PeerError("we have closed the connection")
        self._transport.abort()

    async def closed(self, seconds: float) -> None:
        """Wait for the end of a connection that was closed; it is cut off after ``seconds``."""
        try:
            await asyncio.wait_for(asyncio.shield(self._lost), seconds)
        except TimeoutError:
            self._transport.abort()
            await self._lost

    def data_received(self, data: bytes) -> None:
        """Read replies; the first one that is not due ends the connection."""
        if self._fault is not None:
            return
        try:
            for reply in self._reader.feed(data):
                if self._due == 0 or reply.code == 421:
                    self._end_by(reply)
                if self._due:
                    self._due -= 1
                    self._replies.append(reply)
        except PeerError as fault:
            self._fail(fault)
        self._wake()

    def eof_received(self) -> None:
        """Note that the hop says nothing more; the transport closes."""
        self._fail(DroppedError("the hop closed the connection"))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        self._fail(DroppedError(f"the connection broke: {exc}"))
        self._deadline.stop()
        if not self._lost.done():
            self._lost.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        """Note that the hop takes no more for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """Note that the hop takes more."""
        self._paused = False
        self._wake()

    def _end_by(self, reply: Reply) -> None:
        if reply.code == 421:
            self._farewell = reply
            self._fail(DroppedError(f"the hop said: {reply}"))
        else:
            self._fail(PeerError(f"the hop said something that nobody had asked for: {reply}"))

    def _fail(self, fault: PeerError) -> None:
        if self._fault is None:
            self._fault = fault
            self._transport.close()

    def _check(self) -> None:
        if self._fault is not None:
            raise type(self._fault)(*self._fault.args)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _room(self) -> None:
        while self._paused:
            await self._change()
            self._check()

    def _change(self) -> asyncio.Future[None]:
        """Return what to wait for until something has happened."""
        self._waiter = self._loop.create_future()
        return self._waiter

    def _give(self, seconds: float | None) -> None:
        """Let whoever waits from now on wait for ``seconds`` in all."""
        if seconds is None:
            self._deadline.clear()
            return
        self._patience = seconds
        self._deadline.set(max(seconds, _SOONEST))

    def _expired(self) -> None:
        """End the connection, even where who waits was just woken by a part of a reply and would wait again."""
        if not self._replies:
            self._fail(PeerError(f"no answer within {self._patience:g} seconds"))
            self._wake()
