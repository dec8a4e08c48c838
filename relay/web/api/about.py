"""Which relay answers, and who asks."""

from importlib.metadata import version

from relay.settings.words import Right
from relay.web.access import session_of
from relay.web.api.operation import Call, Operation
from relay.web.api.shapes import relay as shapes
from relay.web.sessions import form_token


async def _version(call: Call) -> object:
    return {"version": version("helpdesk-relay"), "book": call.sources.book().digest}


async def _session(call: Call) -> object:
    visitor, session = call.visitor, session_of(call.request)
    may = ((Right.READ, visitor.may_read), (Right.OPERATE, visitor.may_operate))
    token = form_token(session, call.sources.key) if session is not None and visitor.by_cookie else None
    return {
        "user": visitor.name,
        "may": [right.value for right, allowed in may if allowed],
        "csrf_token": token,
    }


OPERATIONS = (
    Operation(
        *("GET", "/version", "showVersion", "Relay", "Tell which relay answers, and by which book it judges"),
        does=_version,
        answers=shapes.Version,
    ),
    Operation(
        *("GET", "/session", "showSession", "Relay", "Tell who asks, and what he may"),
        does=_session,
        answers=shapes.Session,
        right=None,
    ),
)
