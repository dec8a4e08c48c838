"""What every request has to pass before anything else looks at it, and what every answer carries.

Host must name this machine or be the host of ``web.url``, so that no website can read the pages through a name of
its own that points here.  What changes something must come from a page of ours or from no website at all.
"""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relay.web.answers import refusal

SMALL, LARGE = 64 << 10, 8 << 20
"""Octets of a request's body: of any, and of one that may hold a message."""
BODY_SECONDS = 120
"""In which it has to arrive."""
_MAY_BE_LARGE = ("/try", "/api/")
_SECURITY = {
    b"content-security-policy": b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # with no-referrer a form of ours would say Origin: null
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}
_NO_STORE = (b"cache-control", b"no-store")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OURS = frozenset({"same-origin", "none"})

MISDIRECTED = "Ask for this page as localhost, by the address that it listens on, or as web.url names it."
CROSS_SITE = "This was sent by another website; nothing was done."


class Guarded:
    """An application behind these checks: 421 for another machine's name, 403 for another website, 413 for too much."""

    def __init__(
        self, app: ASGIApp, url: Callable[[], str | None], body_seconds: float = BODY_SECONDS
    ) -> None:
        """Take what is guarded, what ``web.url`` is now, and how long a body may take."""
        self._app = app
        self._url = url
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def cautious(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                cached = [] if _NO_STORE[0] in names else [_NO_STORE]
                message["headers"] = [*message["headers"], *_SECURITY.items(), *cached]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, cautious)
            return
        await self._app(scope, _limited(receive, _limit(scope["path"]), self._body_seconds), cautious)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        hosts = headers.getlist("host")
        listening = (scope.get("server") or ("",))[0]
        if len(hosts) != 1 or not (
            names_this_machine(hosts[0], listening) or is_host_of(hosts[0], self._url())
        ):
            return refusal(path, 421, MISDIRECTED)
        if scope["method"] not in _SAFE and from_another_site(headers, self._url()):
            return refusal(path, 403, CROSS_SITE)
        declared = headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdecimal() and len(declared) < 19) or int(declared) > _limit(
            path
        ):
            return refusal(path, 413, too_much(path))
        return None


def names_this_machine(host: str, listening: str) -> bool:
    """Return whether a Host field is localhost, a loopback address, or the address that we ``listen`` on."""
    name = host_name(host)
    return is_loopback(name) or (name != "" and name == listening.lower())


def is_loopback(name: str) -> bool:
    """Return whether a name in lower case, or an address without brackets, is this machine for itself alone."""
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """Return a Host field without its port and brackets, in lower case."""
    name, colon, port = host.rpartition(":")
    if not colon or not (port.isdigit() and port.isascii()):
        name = host
    return name.removeprefix("[").removesuffix("]").lower()


def is_host_of(host: str, url: str | None) -> bool:
    """Return whether a Host field is the host of ``url``, whatever the port."""
    return url is not None and host_name(host) == (urlsplit(url).hostname or "").lower() != ""


def from_another_site(headers: Headers, url: str | None) -> bool:
    """Return whether a browser says that a page of somebody else's made this request."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OURS:
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    asked = urlsplit(origin).netloc.lower()
    ours = {headers.get("host", "").lower(), urlsplit(url or "").netloc.lower()} - {""}
    return asked not in ours


def _limit(path: str) -> int:
    return LARGE if path.startswith(_MAY_BE_LARGE) else SMALL


def too_much(path: str) -> str:
    """Return what is said to whoever sends more than may be sent to ``path``."""
    return f"A request to this address may bring {_limit(path)} octets; of a message the header section is enough."


def _limited(receive: Receive, limit: int, seconds: float) -> Receive:
    """Return ``receive`` that ends in 413 once more than ``limit`` octets came, in 408 if they take too long."""
    taken, whole = 0, False
    deadline = asyncio.get_running_loop().time() + seconds

    async def receive_so_much() -> Message:
        nonlocal taken, whole
        try:
            async with asyncio.timeout_at(None if whole else deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        whole = whole or not message.get("more_body", False)
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413)
        return message

    return receive_so_much
