"""Who asks, and what he may: by HTTP Basic, or by the cookie that the login page gives.

Reading needs no login where only this machine can ask; verbs always need a user with ``may: [operate]``.  The
middleware ``Access`` finds the visitor once; an endpoint then calls ``require_read`` or ``require_operate`` first.
"""

import asyncio
import binascii
import hmac
import secrets
import time
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from relay import passwords
from relay.settings.entrances import Endpoint, User
from relay.settings.model import Settings
from relay.settings.words import Right
from relay.web.answers import refusal
from relay.web.guard import host_name, is_loopback
from relay.web.sessions import Session, mark_of, unseal
from relay.web.sources import Sources
from relay.web.throttle import Failures

COOKIE = "helpdesk-relay"
CHALLENGE = {"www-authenticate": 'Basic realm="helpdesk-relay", charset="UTF-8"'}
REMEMBERED_SECONDS = 300
"""So long a password that was right is not compared again."""
_REMEMBERED = 1000
_ENDED = 10_000
_WAITING = 20
"""So many comparisons may wait for their turn."""
_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Fields that a proxy adds."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and what he may."""

    name: str | None
    """Of a user; None: nobody has logged in."""
    may_read: bool
    may_operate: bool
    by_cookie: bool = False
    """The login came with a cookie, which a browser also sends when another website has made it ask."""


def visitor_of(connection: HTTPConnection) -> Visitor:
    """Return who makes this request; it passed ``Access``."""
    return cast("Visitor", connection.scope["state"]["visitor"])


def session_of(connection: HTTPConnection) -> Session | None:
    """Return the session whose cookie came along, if it is good."""
    return cast("Session | None", connection.scope["state"]["session"])


def require_read(connection: HTTPConnection) -> Visitor:
    """Return the visitor if he may read; else HTTPException: 401 to whom may log in, 403 to who has."""
    visitor = visitor_of(connection)
    return _required(visitor, allowed=visitor.may_read)


def require_operate(connection: HTTPConnection) -> Visitor:
    """Return the visitor if he may operate; else HTTPException: 401 to whom may log in, 403 to who has."""
    visitor = visitor_of(connection)
    return _required(visitor, allowed=visitor.may_operate)


def may_clear(connection: HTTPConnection, settings: Settings) -> bool:
    """Tell whether the visitor may clear the sandbox's inbox: as a user who may operate, or at this very machine."""
    return visitor_of(connection).may_operate or needs_no_login(connection.scope, settings)


def require_clearing(connection: HTTPConnection, settings: Settings) -> None:
    """Pass whoever may clear the sandbox's inbox; else HTTPException as ``require_operate`` has it."""
    _required(visitor_of(connection), allowed=may_clear(connection, settings))


def _required(visitor: Visitor, *, allowed: bool) -> Visitor:
    if allowed:
        return visitor
    if visitor.name is None:
        raise HTTPException(401, headers=CHALLENGE)
    raise HTTPException(403)


class TooManyFailuresError(Exception):
    """A client has to wait before it may try a password again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} seconds")
        self.seconds = seconds


class Logins:
    """Compares passwords: in a thread, one at a time, each client only so often; good ones are remembered for a while."""

    def __init__(self, settings: Callable[[], Settings], clock: Callable[[], float] = time.monotonic) -> None:
        """Take what is in force, and a clock that never goes back."""
        self._settings = settings
        self._clock = clock
        self._failures = Failures(clock)
        self._secret = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, float] = OrderedDict()
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._ended: OrderedDict[str, None] = OrderedDict()

    def user(self, name: str) -> User | None:
        """Return the user of this name, as it is in channels.yaml now."""
        return next((user for user in self._settings().users if user.name == name), None)

    def end(self, session: Session) -> None:
        """Let a session count no more in this process, wherever its cookie is."""
        self._ended[session.nonce] = None
        if len(self._ended) > _ENDED:
            self._ended.popitem(last=False)

    def has_ended(self, session: Session) -> bool:
        """Tell whether somebody logged out of this session."""
        return session.nonce in self._ended

    async def check(self, name: str, password: str, client: str) -> User | None:
        """Return the user if the password is right; TooManyFailuresError where ``client`` has to wait."""
        user = self.user(name)
        seen = self._digest(name, password, user)
        if user is not None and self._good.get(seen, 0.0) > self._clock():
            return user
        wait = self._failures.seconds_to_wait(client)
        if wait or self._waiting >= _WAITING:
            raise TooManyFailuresError(wait or 5)
        self._failures.add(client)
        self._waiting += 1
        try:
            async with self._turn:
                right = await asyncio.to_thread(passwords.verify, password, user.password if user else None)
        finally:
            self._waiting -= 1
        if not right or user is None:
            return None
        self._failures.forget(client)
        self._remember(seen)
        return user

    def _remember(self, seen: bytes) -> None:
        self._good[seen] = self._clock() + REMEMBERED_SECONDS
        self._good.move_to_end(seen)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)

    def _digest(self, name: str, password: str, user: User | None) -> bytes:
        """Return what stands for a name, a password and the hash it was compared with; worthless to anybody else."""
        hashed = user.password if user is not None else ""
        parts = (part.encode("utf-8", "surrogatepass") for part in (name, password, hashed))
        return hmac.digest(self._secret, b"".join(b"%d:%b" % (len(part), part) for part in parts), "sha256")


class Access:
    """An application that is told who asks; a wrong password never reaches it."""

    def __init__(self, app: ASGIApp, sources: Sources, logins: Logins) -> None:
        self._app = app
        self._sources = sources
        self._logins = logins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        session = self._session(headers)
        try:
            basic = basic_login(headers)
            user = (
                await self._logins.check(*basic, client_of(scope, self._sources.settings()))
                if basic is not None
                else self._user_of(session)
            )
        except TooManyFailuresError as error:
            wait = {"retry-after": str(error.seconds)}
            refused = refusal(scope["path"], 429, f"Too many failed logins; {error}.", wait)
            await refused(scope, receive, send)
            return
        if basic is not None and user is None:
            await refusal(scope["path"], 401, "The login is not right.", CHALLENGE)(scope, receive, send)
            return
        visitor = _visitor(
            user,
            open_to_all=needs_no_login(scope, self._sources.settings()),
            by_cookie=user is not None and basic is None,
        )
        scope.setdefault("state", {}).update(visitor=visitor, session=_fitting(session, user))
        await self._app(scope, receive, send)

    def _session(self, headers: Headers) -> Session | None:
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        session = unseal(cookie, self._sources.key, int(time.time())) if cookie else None
        return None if session is None or self._logins.has_ended(session) else session

    def _user_of(self, session: Session | None) -> User | None:
        user = self._logins.user(session.name) if session is not None and session.name else None
        if user is None or session is None or session.mark != mark_of(user, self._sources.key):
            return None
        return user


def basic_login(headers: Headers) -> tuple[str, str] | None:
    """Return name and password of HTTP Basic (RFC 7617); None where none came."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = b64decode(token.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password


def needs_no_login(scope: Scope, settings: Settings) -> bool:
    """Tell whether whoever sends this request may read: only this machine can, and no proxy speaks for others."""
    web = settings.listen.web
    headers = Headers(scope=scope)
    here = (scope.get("server") or ("",))[0]
    return (
        web is not None
        and web.loopback
        and Endpoint(here).loopback
        and is_loopback(host_name(headers.get("host", "")))
        and not any(name in headers for name in _FORWARDING)
    )


def client_of(scope: Scope, settings: Settings) -> str:
    """Return the address that failed logins are counted for: the peer, or whom a proxy on this machine speaks for."""
    peer = (scope.get("client") or ("",))[0]
    forwarded = Headers(scope=scope).get("x-forwarded-for", "")
    if settings.web.url is not None and forwarded and Endpoint(peer).loopback:
        return forwarded.rpartition(",")[2].strip()
    return peer


def _fitting(session: Session | None, user: User | None) -> Session | None:
    """Return a session that is nobody's or this user's own; not one whose login counts no more."""
    if session is None or session.name not in ("", user.name if user is not None else ""):
        return None
    return session


def _visitor(user: User | None, *, open_to_all: bool, by_cookie: bool) -> Visitor:
    if user is None:
        return Visitor(None, open_to_all, may_operate=False)
    return Visitor(user.name, open_to_all or Right.READ in user.may, Right.OPERATE in user.may, by_cookie)
