"""What is answered where something is not there, not allowed or away."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from relay.web.answers import API, problem, problem_of
from relay.web.pages.rendering import Rendering, here
from relay.web.sources import AWAY

_PASSED_ON = frozenset({"allow", "retry-after"})
_SAID = frozenset({400, 401, 403, 404, 405, 408, 413, 500, 503})


def exception_handlers(rendering: Rendering) -> Mapping[Any, Any]:
    """Return what Starlette calls for exceptions: a problem below ``/api/``, a page for people, else a line."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if request.url.path.startswith(API):
            return problem_of(error)
        return _answer(rendering, request, error.status_code, error.detail, error.headers)

    async def away(request: Request, _: Exception) -> Response:
        return _answer(rendering, request, 503, "a database cannot be reached now", {"retry-after": "30"})

    async def broken(request: Request, _: Exception) -> Response:
        return _answer(rendering, request, 500, "a fault of ours; the log tells more", None)

    return {HTTPException: refused, **dict.fromkeys(AWAY, away), Exception: broken}


def _answer(
    rendering: Rendering, request: Request, code: int, detail: str, headers: Mapping[str, str] | None
) -> Response:
    if request.url.path.startswith(API):
        return problem(code, f"{detail.capitalize()}.", headers)
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{detail}\n", code, headers)
    if code == 401 and request.method == "GET":
        return rendering.lead(request, f"/login?next={quote(here(request), safe='')}")
    say = rendering.say(request)
    key = f"trouble.{'form' if detail == 'form' else code if code in _SAID else 400}"
    answer = rendering.page(request, "trouble.html", code, title=say(key), words=say(f"{key}.words"))
    for name, value in (headers or {}).items():
        if name.lower() in _PASSED_ON:
            answer.headers[name] = value
    return answer
