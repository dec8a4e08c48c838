"""What the stand-in helpdesk got, each message with its verdict, and the way to its decision."""

from collections import defaultdict
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from relay.database.columns import number_of
from relay.judge import Reason
from relay.mail.text import unicode_text, visible
from relay.sandbox.inbox import Message, SandboxInbox
from relay.web.access import require_clearing, require_read
from relay.web.pages.rendering import Rendering, form_of

_PAGE = 100


async def inbox(rendering: Rendering, request: Request) -> Response:
    """List what arrived, the newest first."""
    require_read(request)
    before = request.query_params.get("before", "")
    every = _inbox(rendering).messages()
    below = number_of(before)
    messages = [message for message in every if below is None or message.id < below]
    shown = messages[:_PAGE]
    return rendering.page(
        request,
        "sandbox.html",
        messages=shown,
        count=len(every),
        older=f"/sandbox?before={shown[-1].id}" if len(messages) > _PAGE else None,
        known=defaultdict(bool, dict.fromkeys(Reason, True)),
        may_clear=rendering.may_clear(request),
        cleared=request.query_params.get("cleared") == "1",
    )


async def message(rendering: Rendering, request: Request) -> Response:
    """Show one message as text: its envelope, then its octets line by line as they came."""
    require_read(request)
    inbox, number = _inbox(rendering), number_of(request.path_params["number"])
    found = inbox.get(number) if number is not None else None
    if found is None:
        raise HTTPException(404)
    return PlainTextResponse(message_text(found, rendering.say(request)))


async def clear(rendering: Rendering, request: Request) -> Response:
    """Forget everything that arrived."""
    require_clearing(request, rendering.sources.settings())
    await form_of(request, rendering.sources)
    _inbox(rendering).clear()
    return rendering.lead(request, "/sandbox?cleared=1")


def message_text(message: Message, say: Callable[..., str]) -> str:
    """Return one message as plain text; what does not print is shown as an escape."""
    lines = [
        f"{say('message.title', n=message.id)}, {message.received_at.isoformat(timespec='seconds')}, {say('octets', n=message.size)}",
        f"MAIL FROM:<{message.reverse_path}>",
        *(f"RCPT TO:<{path}>" for path in message.forward_paths),
        "",
        *map(_line, message.octets.split(b"\n")),
    ]
    if len(message.octets) < message.size:
        lines.append(f"[{say('message.rest', n=message.size - len(message.octets))}]")
    return "\n".join(lines) + "\n"


def _line(octets: bytes) -> str:
    text = octets.removesuffix(b"\r").decode("utf-8", "surrogateescape")
    return visible(unicode_text(text).replace("\t", "    "))


def _inbox(rendering: Rendering) -> SandboxInbox:
    found = rendering.sources.inbox()
    if found is None:
        raise HTTPException(404)
    return found
