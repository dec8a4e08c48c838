"""Log in with a name and a password of ``users``, and log out."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from relay.settings.words import Right
from relay.web.access import COOKIE, Logins, TooManyFailuresError, client_of, session_of
from relay.web.pages.rendering import Rendering, first, form_of, new_session
from relay.web.sessions import mark_of


async def login_form(rendering: Rendering, request: Request) -> Response:
    """Show the form."""
    return _page(rendering, request, local(request.query_params.get("next", "/")))


async def login(rendering: Rendering, logins: Logins, request: Request) -> Response:
    """Give a session to whoever knows a user's password."""
    fields = await form_of(request, rendering.sources)
    target, name = local(first(fields, "next")), first(fields, "name")
    say = rendering.say(request)
    try:
        client = client_of(request.scope, rendering.sources.settings())
        user = await logins.check(name, first(fields, "password"), client)
    except TooManyFailuresError as error:
        return _page(rendering, request, target, name, say("login.wait", n=error.seconds), 429)
    if user is None:
        return _page(rendering, request, target, name, say("login.wrong"), 403)
    if not user.may & {Right.READ, Right.OPERATE}:
        return _page(rendering, request, target, name, say("login.nothing"), 403)
    answer = rendering.lead(request, target)
    rendering.keep(request, answer, new_session(user.name, mark_of(user, rendering.sources.key)))
    return answer


async def logout(rendering: Rendering, logins: Logins, request: Request) -> Response:
    """End the session, here and wherever else its cookie was copied to."""
    await form_of(request, rendering.sources)
    session = session_of(request)
    assert session is not None, "the form was this session's"
    logins.end(session)
    answer = rendering.lead(request, "/login")
    answer.delete_cookie(COOKIE)
    return answer


def local(target: str) -> str:
    """Return where to go after a login: a path of ours, whatever was asked for."""
    fine = target.startswith("/") and not target.startswith(("//", "/\\", "/login")) and target.isprintable()
    return quote(target, safe="/?&=%~:@!$'()*,;+-._") if fine else "/"


def _page(
    rendering: Rendering, request: Request, target: str, name: str = "", problem: str = "", code: int = 200
) -> Response:
    return rendering.page(request, "login.html", code, next=target, name=name[:200], problem=problem)
