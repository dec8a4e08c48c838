"""The sandbox's page over HTTP, for this machine only; the only importer of starlette and uvicorn here.

Loaded only where the page is served.  Host must name this machine, so that no website can read the page
through a name of its own that points here; nothing but the page's own style is ever loaded by it; and
clearing takes a DELETE, which a browser lets no other website send.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.errors import UnavailableError
from relay.sandbox.inbox import SandboxInbox
from relay.sandbox.page import STYLE, message_text, message_values, overview

_SECURITY = {
    b"content-security-policy": b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


def sandbox_routes(inbox: SandboxInbox) -> list[Route]:
    """Return the sandbox's pages: ``/``, ``/style.css``, ``/message/…``, ``/healthz``, ``/api/v1/sandbox/messages``."""

    async def index(request: Request) -> Response:
        return HTMLResponse(overview(inbox.messages(), request.headers.get("host", "localhost")))

    async def style(_: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def one(request: Request) -> Response:
        message = inbox.get(request.path_params["number"])
        if message is None:
            return PlainTextResponse("There is no such message (any more).\n", 404)
        return PlainTextResponse(message_text(message))

    async def health(_: Request) -> Response:
        return PlainTextResponse("up\n")

    async def listed(_: Request) -> Response:
        return JSONResponse([message_values(message) for message in inbox.messages()])

    async def clear(_: Request) -> Response:
        inbox.clear()
        return Response(status_code=204)

    return [
        Route("/", index),
        Route("/style.css", style),
        Route("/message/{number:int}", one),
        Route("/healthz", health),
        Route("/api/v1/sandbox/messages", listed),
        Route("/api/v1/sandbox/messages", clear, methods=["DELETE"]),
    ]


class Guarded:
    """An application behind the check of Host (421 if it names another machine) and with the headers of caution."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def cautious(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_SECURITY.items()]
            await send(message)

        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        here = (scope.get("server") or ("",))[0]
        if len(hosts) == 1 and names_this_machine(hosts[0], here):
            await self._app(scope, receive, cautious)
        else:
            refusal = PlainTextResponse(
                "Ask for this page as localhost or by the address that it listens on.\n", 421
            )
            await refusal(scope, receive, cautious)


def names_this_machine(host: str, listening: str) -> bool:
    """Return whether a Host field is localhost, a loopback address, or the address that we ``listen`` on."""
    name, colon, port = host.rpartition(":")
    if not colon or not (port.isdigit() and port.isascii()):
        name = host
    name = name.removeprefix("[").removesuffix("]").lower()
    if name == "localhost" or (name and name == listening.lower()):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class SandboxWeb:
    """The page, being served inside the running event loop."""

    def __init__(self, server: uvicorn.Server, task: "asyncio.Task[None]", address: tuple[str, int]) -> None:
        """Take what ``open`` has started."""
        self._server = server
        self._task = task
        self.address = address
        """Host and port, the port filled in."""

    @classmethod
    async def open(cls, host: str, port: int, inbox: SandboxInbox) -> "SandboxWeb":
        """Serve on ``host`` (a name or an address without brackets) and ``port``, 0 for any free one.

        UnavailableError if the port is in use or the address is not ours.
        """
        sock = _listening(host, port)
        config = uvicorn.Config(
            Guarded(Starlette(routes=sandbox_routes(inbox))),
            http="h11",
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
