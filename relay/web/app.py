"""Everything that is served over HTTP: the pages, the API, health and metrics, behind one guard."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.events import Fault, Observe
from relay.web.access import Access, Logins, require_read
from relay.web.answers import refusal
from relay.web.api import api_routes
from relay.web.guard import Guarded
from relay.web.pages import page_routes
from relay.web.pages.rendering import Rendering
from relay.web.pages.trouble import exception_handlers
from relay.web.sources import Sources


def application(sources: Sources) -> ASGIApp:
    """Return the application; Host must name this machine, in tests too (``http://127.0.0.1``)."""
    logins = Logins(sources.settings)
    handlers = exception_handlers(Rendering(sources))
    inner = Starlette(routes=routes_of(sources, logins), exception_handlers=handlers)
    supervised = Supervised(Access(inner, sources, logins), sources.observe)
    return Guarded(supervised, lambda: sources.settings().web.url)


class Supervised:
    """An application whose bugs are told to the log, and cost whoever asked no more than a 500."""

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:  # a supervisor: one request's bug is no other's
            self._observe(Fault("the web page", error))
            if not begun:
                await refusal(scope["path"], 500, "A fault of ours; the log tells more.")(
                    scope, receive, send
                )


def routes_of(sources: Sources, logins: Logins) -> list[BaseRoute]:
    """Return all routes."""
    return [*_plain_routes(sources), *api_routes(sources), *page_routes(Rendering(sources), logins)]


def _plain_routes(sources: Sources) -> list[Route]:
    async def healthz(_: Request) -> Response:
        return PlainTextResponse("up\n")

    async def readyz(_: Request) -> Response:
        return PlainTextResponse("ready\n") if sources.ready() else PlainTextResponse("not ready\n", 503)

    async def metrics(request: Request) -> Response:
        require_read(request)
        return Response(
            sources.metrics(), headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
