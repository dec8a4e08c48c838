"""The HTML pages, made on the server; they work without a script."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from relay.web.access import Logins
from relay.web.pages import channels, decision, login, overview, queue, sandbox, search, trial
from relay.web.pages.assets import Assets, addresses
from relay.web.pages.rendering import Rendering

Page = Callable[[Rendering, Request], Awaitable[Response]]


def page_routes(rendering: Rendering, logins: Logins) -> list[BaseRoute]:
    """Return the routes of all pages."""

    def route(path: str, page: Page, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            return await page(rendering, request)

        return Route(path, endpoint, methods=[method])

    async def start(rendering: Rendering, request: Request) -> Response:
        first = sandbox.inbox if rendering.sources.inbox() is not None else overview.overview
        return await first(rendering, request)

    async def log_in(rendering: Rendering, request: Request) -> Response:
        return await login.login(rendering, logins, request)

    async def log_out(rendering: Rendering, request: Request) -> Response:
        return await login.logout(rendering, logins, request)

    async def icon(rendering: Rendering, request: Request) -> Response:
        return rendering.lead(request, addresses()["icon.svg"])

    return [
        route("/", start),
        route("/overview", overview.overview),
        route("/search", search.search),
        route("/search/results", search.results),
        route("/decision/{ref}", decision.decision),
        route("/decision/{ref}/reopen", decision.reopen, "POST"),
        route("/why/{ref}", decision.why),
        route("/try", trial.trial),
        route("/try", trial.trial, "POST"),
        route("/queue", queue.queue),
        route("/queue", queue.change, "POST"),
        route("/queue/{number}", queue.item),
        route("/channels", channels.channels),
        route("/sandbox", sandbox.inbox),
        route("/sandbox/clear", sandbox.clear, "POST"),
        route("/message/{number}", sandbox.message),
        route("/login", login.login_form),
        route("/login", log_in, "POST"),
        route("/logout", log_out, "POST"),
        Mount("/static", Assets()),
        route("/favicon.ico", icon),
    ]
