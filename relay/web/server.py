"""The web server inside the running event loop; with ``connection`` the only importer of uvicorn."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from functools import partial
from typing import cast

import uvicorn

from relay.errors import UnavailableError
from relay.web.app import application
from relay.web.connection import Connection, Limits
from relay.web.sources import Sources

_LIMITS = Limits()


class WebServer:
    """The pages and the API, being served."""

    def __init__(self, server: uvicorn.Server, task: "asyncio.Task[None]", address: tuple[str, int]) -> None:
        """Take what ``open`` has started."""
        self._server = server
        self._task = task
        self.address = address
        """Host and port, the port filled in."""

    @classmethod
    async def open(cls, host: str, port: int, sources: Sources, limits: Limits = _LIMITS) -> "WebServer":
        """Serve on ``host`` (a name or an address without brackets) and ``port``, 0 for any free one.

        UnavailableError if the port is in use or the address is not ours.
        """
        sock = _listening(host, port)
        config = uvicorn.Config(
            application(sources),
            http=cast("type[asyncio.Protocol]", partial(Connection, limits)),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        return cls(server, asyncio.create_task(server.serve(sockets=[sock])), sock.getsockname()[:2])

    async def stop(self) -> None:
        """Finish what is being answered, and close."""
        self._server.should_exit = True
        await self._task


class _Server(uvicorn.Server):
    """A server that leaves signals to the process that it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as problem:
        words = os.strerror(problem.errno) if problem.errno and problem.errno > 0 else problem.strerror
        raise UnavailableError(f"the web page cannot be served on {host} port {port}: {words}") from problem
