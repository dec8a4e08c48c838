"""Hands octets on and looks at none of them: no relay on this event loop can do with less.

python octets.py PORT NEXT_HOP_PORT
"""

import asyncio
import signal
import sys
from typing import cast

import uvloop


class End(asyncio.Protocol):
    """One end of a connection; what comes in goes out at the other."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def join(self, other: "End") -> None:
        """Begin to hand on; first what came before there was anybody to hand it to."""
        self.other = other
        for octets in self._early:
            self.data_received(octets)

    def data_received(self, data: bytes) -> None:
        if self.other is None or self.other.transport is None:
            self._early.append(data)
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Client(End):
    """The client's end, for which the other end is opened."""

    next_hop = 0
    _opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        _, hop = await asyncio.get_running_loop().create_connection(End, "127.0.0.1", self.next_hop)
        self.join(hop)
        hop.join(self)


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(Client, "127.0.0.1", port)
    await over.wait()
    server.close()


if __name__ == "__main__":
    Client.next_hop = int(sys.argv[2])
    uvloop.run(serve(int(sys.argv[1])))
