"""The milter's listeners and connections: open, reload, drain.  What the service starts and stops."""

import asyncio
import socket
import sys
import time
from collections.abc import Sequence
from typing import cast

from relay.errors import PeerError
from relay.milter.listening import Opened, open_listener
from relay.milter.packets import Decoder
from relay.milter.session import Session
from relay.milter.terms import (
    MilterCut,
    MilterFaulted,
    MilterLimits,
    MilterListener,
    MilterRefused,
    Observe,
    Terms,
)

_SWEEP_SECONDS = 1.0
"""How often it is looked who is too slow."""
_QUICKACK = getattr(socket, "TCP_QUICKACK", None) if sys.platform == "linux" else None


class Milter:
    """All milter listeners of one relay; for one event loop."""

    def __init__(self, terms: Terms, observe: Observe, limits: MilterLimits | None = None) -> None:
        self.terms = terms
        """What messages that begin from now on go by; replaced by ``reload``."""
        self.limits = limits or MilterLimits()
        self.observe = observe
        self.connections: set[Connection] = set()
        self._listeners: dict[str, Opened] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()

    async def listen(self, wanted: Sequence[MilterListener]) -> None:
        """Listen on exactly these addresses; open ones stay open, unix sockets take their new mode and group.

        Raises UnavailableError when an address is in use, BadSettingsError when it cannot be ours or the right is
        missing; then what was open before still is, and nothing else.
        """
        opened: dict[str, Opened] = {}
        try:
            for listener in wanted:
                if str(listener) not in self._listeners:
                    opened[str(listener)] = await open_listener(listener, self._connection)
                else:
                    self._listeners[str(listener)].permit(listener)
        except BaseException:
            for one in opened.values():
                one.close()
            raise
        names = {str(listener) for listener in wanted}
        for name in [name for name in self._listeners if name not in names]:
            self._listeners.pop(name).close()
        self._listeners.update(opened)
        if self._sweeping is None:
            self._sweep()

    def reload(self, terms: Terms, limits: MilterLimits | None = None) -> None:
        """Go by ``terms`` in messages that begin from now on."""
        self.terms = terms
        self.limits = limits or self.limits

    async def stop(self, drain: float) -> None:
        """Stop listening, end the idle connections, let messages in hand finish for ``drain`` seconds."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        for connection in tuple(self.connections):
            connection.retire()
        if self.connections and drain:
            self._emptied.clear()
            await _within(drain, self._emptied)
        for connection in tuple(self.connections):
            connection.cut()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where we listen over TCP, ports filled in."""
        return tuple(address for listener in self._listeners.values() for address in listener.addresses)

    def entered(self, connection: "Connection") -> bool:
        """Know a connection until ``left``; False if there are as many as may be."""
        if self.limits.connections and len(self.connections) >= self.limits.connections:
            return False
        self.connections.add(connection)
        return True

    def left(self, connection: "Connection") -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        if not self.connections:
            self._emptied.set()

    def _connection(self, listener: str) -> "Connection":
        return Connection(self, listener)

    def _sweep(self) -> None:
        now = time.monotonic()
        for connection in tuple(self.connections):
            connection.look(now)
        self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


class Connection(asyncio.Protocol):
    """One connection of an MTA."""

    def __init__(self, milter: Milter, listener: str) -> None:
        self._milter = milter
        self._listener = listener
        self._decoder = Decoder()
        self._session = Session(lambda: milter.terms)
        self._transport: asyncio.Transport | None = None
        self._tcp: socket.socket | None = None
        self._heard = self._packet_began = time.monotonic()
        self._retired = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = own = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        if not self._milter.entered(self):
            self._milter.observe(MilterRefused(self._listener))
            own.abort()
            return
        if _QUICKACK is not None and self._listener.startswith("inet:"):
            self._tcp = own.get_extra_info("socket")
            self._acknowledge()

    def data_received(self, data: bytes) -> None:
        """Take octets, answer what is whole."""
        assert self._transport is not None
        now = self._heard = time.monotonic()
        try:
            replies = self._replies(data, now)
        except PeerError as fault:
            self._cut(str(fault))
            return
        if replies:
            self._transport.write(replies)
        elif self._tcp is not None:
            self._acknowledge()
        if self._session.ended or (self._retired and not self._session.busy):
            self._transport.close()

    def _replies(self, octets: bytes, now: float) -> bytes:
        began = self._decoder.inside
        replies = []
        for packet in self._decoder.feed(octets):
            began = False
            try:
                replies.append(self._session.receive(packet, now))
            except PeerError:
                raise
            except Exception as error:
                self._milter.observe(MilterFaulted(self._listener, self._session.client, error))
                replies.append(self._session.failed(packet))
                self._session.ended = True
            if self._session.ended:
                break
        if not began:
            self._packet_began = now
        return b"".join(replies)

    def eof_received(self) -> None:
        """Let the transport close: an MTA that has nothing more to say wants no answer."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget everything."""
        self._milter.left(self)

    def pause_writing(self) -> None:
        """Do not read from an MTA that does not read."""
        assert self._transport is not None
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        assert self._transport is not None
        self._transport.resume_reading()

    def look(self, now: float) -> None:
        """End the connection if its MTA is too slow."""
        limits = self._milter.limits
        if (
            self._decoder.inside
            and limits.packet_timeout
            and now - self._packet_began > limits.packet_timeout
        ):
            self._cut(f"a packet did not come to its end within {limits.packet_timeout:g} seconds")
        elif limits.idle_timeout and now - self._heard > limits.idle_timeout:
            self._cut(f"nothing was heard for {limits.idle_timeout:g} seconds")

    def retire(self) -> None:
        """Go when the message at hand is done; now, if there is none."""
        self._retired = True
        if not self._session.busy and self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Go now."""
        if self._transport is not None:
            self._transport.abort()

    def _cut(self, words: str) -> None:
        self._milter.observe(MilterCut(self._listener, self._session.client, words))
        self.cut()

    def _acknowledge(self) -> None:
        """Have the kernel acknowledge now: it falls back to waiting, and an MTA that waits for it stalls."""
        assert self._tcp is not None
        assert _QUICKACK is not None
        self._tcp.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
