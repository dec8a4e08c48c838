"""From values to an HTML answer.  Whatever a template shows is made visible first, then escaped; nothing gets around it."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from relay.judge.explain import Language
from relay.mail.text import unicode_text, visible
from relay.web.access import COOKIE, may_clear, session_of, visitor_of
from relay.web.comparing import mark
from relay.web.guard import host_name, is_loopback
from relay.web.language import chosen
from relay.web.pages.assets import addresses
from relay.web.pages.shown import deciding
from relay.web.place import root_of
from relay.web.sessions import LIFETIME, Session, form_token, is_form_token, seal
from relay.web.sources import Sources
from relay.web.texts import text

PLACE = Path(__file__).parent.parent
_LANGUAGE_COOKIE = "lang"
_YEAR = 365 * 24 * 60 * 60


class Rendering:
    """Makes the answers of all pages."""

    def __init__(self, sources: Sources) -> None:
        """Take what the pages show."""
        self.sources = sources
        self._environment = _environment()

    def language(self, request: Request) -> Language:
        """Return the language of this visitor."""
        return chosen(
            request.query_params.get("lang", ""),
            request.cookies.get(_LANGUAGE_COOKIE, ""),
            request.headers.get("accept-language", ""),
            self.sources.languages,
        )

    def say(self, request: Request) -> Callable[..., str]:
        """Return the texts in the visitor's language."""
        return partial(text, self.language(request))

    def page(
        self, request: Request, template: str, code: int = 200, /, *, forms: bool = True, **values: Any
    ) -> Response:
        """Return a page; without ``forms`` a visitor is given nothing to keep, neither a session nor a language."""
        session = session_of(request)
        fresh = session is None
        session = session or new_session()
        language = self.language(request)
        values |= {
            "t": partial(text, language),
            "root": self.root(request),
            "lang": language.value,
            "languages": [(other.value, self._in(request, other)) for other in self.sources.languages],
            "visitor": visitor_of(request),
            "token": form_token(session, self.sources.key),
            "path": request.url.path,
            "here": here(request),
            "has_users": bool(self.sources.settings().users),
            "has_queue": self.sources.spool() is not None,
            "has_inbox": self.sources.inbox() is not None,
        }
        answer = HTMLResponse(self._environment.get_template(template).render(values), code)
        if fresh and forms:
            self.keep(request, answer, session)
        if forms and request.query_params.get("lang") == language.value:
            answer.set_cookie(_LANGUAGE_COOKIE, language.value, _YEAR, httponly=True, samesite="lax")
        answer.headers["vary"] = "accept-language, cookie"
        return answer

    def keep(self, request: Request, answer: Response, session: Session) -> None:
        """Give a browser its session."""
        https = (self.sources.settings().web.url or "").startswith("https:")
        secure = https and not is_loopback(host_name(request.headers["host"]))
        answer.set_cookie(
            COOKIE, seal(session, self.sources.key), LIFETIME, httponly=True, samesite="strict", secure=secure
        )

    def _in(self, request: Request, language: Language) -> str:
        """Return the address of this page in another language; of what a form was sent to, the page before it."""
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
        return f"?{urlencode([*kept, ('lang', language.value)], errors='replace')}"

    def root(self, request: Request) -> str:
        """Return what stands before every path of ours: the path of ``web.url``, where we are asked for by it."""
        return root_of(request, self.sources.settings())

    def lead(self, request: Request, target: str) -> Response:
        """Lead a browser to another page of ours."""
        return RedirectResponse(f"{self.root(request)}{target}", 303)

    def may_clear(self, request: Request) -> bool:
        """Tell whether this visitor may clear the sandbox's inbox."""
        return may_clear(request, self.sources.settings())


async def form_of(request: Request, sources: Sources) -> dict[str, Any]:
    """Return the fields of a form that a page of ours made for this session; 403 for any other."""
    async with request.form(max_files=1, max_fields=2000, max_part_size=8 << 20) as form:
        fields: dict[str, Any] = {}
        for name, value in form.multi_items():
            fields.setdefault(name, []).append(value if isinstance(value, str) else await value.read())
    session = session_of(request)
    token = fields.get("token", [""])[0]
    if session is None or not isinstance(token, str) or not is_form_token(token, session, sources.key):
        raise HTTPException(403, "form")
    return fields


def first(fields: dict[str, Any], name: str) -> str:
    """Return the first value of a form's field as text; empty where there is none."""
    value = fields.get(name, [""])[0]
    return value if isinstance(value, str) else ""


def new_session(name: str = "", mark: str = "") -> Session:
    """Return a session that nobody has yet."""
    return Session(name, secrets.token_hex(16), int(time.time()) + LIFETIME, mark)


def here(request: Request) -> str:
    """Return the path and query of this page, to come back to after a login."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PLACE / "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"part": _part, "lines": _lines, "moment": _moment, "iso": _iso}
    environment.globals |= {"asset": addresses().__getitem__, "deciding": deciding, "mark_of": mark}
    return environment


def _shown(value: object) -> object:
    """Return a value as a template may show it: no text can hide what it is."""
    return visible(unicode_text(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


def _part(value: str) -> str:
    """Return a text as one part of a path or a query."""
    return quote(value, safe="", errors="replace")


def _lines(value: str) -> Markup:
    """Return a text of several lines, with its tabs, everything else made visible."""
    lines = (line.removesuffix("\r").split("\t") for line in value.split("\n"))
    return escape("\n".join("\t".join(visible(unicode_text(part)) for part in line) for line in lines))


def _moment(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
