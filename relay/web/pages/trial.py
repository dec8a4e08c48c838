"""Try a message: paste or upload it, say how it came, see the verdict.  Nothing of it is stored."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from relay.mail.address import Mailbox
from relay.mail.envelope import Address
from relay.mail.typed import bare_path, typed_ip, typed_mailbox
from relay.web.access import require_read
from relay.web.guard import LARGE
from relay.web.pages.rendering import Rendering, first, form_of
from relay.web.pages.shown import Explaining
from relay.web.sources import Trial, Tried

_MOST = LARGE // 2
"""Octets of a file that the script sends, of a larger one too; the header section is at its beginning."""
_LONGEST_SHOWN = 100_000
"""Characters of a message that are put back into the form."""
Problem = tuple[str, str]
"""Which text says it, and what it is about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form."""

    message: str = ""
    rcpt_to: str = ""
    mail_from: str = ""
    client_ip: str = ""
    auth_user: str = ""


async def trial(rendering: Rendering, request: Request) -> Response:
    """Show the form, or the form with the verdict."""
    require_read(request)
    if request.method != "POST":
        return _page(rendering, request, Asked())
    fields = await form_of(request, rendering.sources)
    asked = Asked(
        message=first(fields, "message")[:_LONGEST_SHOWN],
        rcpt_to=first(fields, "rcpt_to"),
        mail_from=first(fields, "mail_from"),
        client_ip=first(fields, "client_ip"),
        auth_user=first(fields, "auth_user"),
    )
    wanted, problems = read(asked, _octets(fields))
    tried = await rendering.sources.judge(wanted) if wanted is not None else None
    return _page(rendering, request, asked, tried, problems)


def read(asked: Asked, octets: bytes) -> tuple[Trial | None, list[Problem]]:
    """Return what is to be judged, or everything that could not be read."""
    problems: list[Problem] = []
    paths = [
        _mailbox(line, problems) for line in asked.rcpt_to.replace(",", "\n").split("\n") if line.strip()
    ]
    mail_from = asked.mail_from.strip()
    if mail_from not in ("", "<>"):
        _mailbox(mail_from, problems)
    address = _address(asked.client_ip.strip(), problems)
    if not octets.strip():
        problems.append(("try.no_message", ""))
    if problems:
        return None, problems
    return Trial(
        octets=octets,
        whole=len(octets) != _MOST,
        reverse_path=bare_path(mail_from) if mail_from else None,
        forward_paths=tuple(path for path in paths if path is not None),
        address=address,
        user=asked.auth_user.strip() or None,
    ), []


def _page(
    rendering: Rendering,
    request: Request,
    asked: Asked,
    tried: Tried | None = None,
    problems: list[Problem] | None = None,
) -> Response:
    return rendering.page(
        request,
        "try.html",
        400 if problems else 200,
        asked=asked,
        tried=tried,
        problems=problems or [],
        most=_MOST,
        explain=Explaining(rendering.language(request)),
    )


def _octets(fields: dict[str, Any]) -> bytes:
    """Return the message: that of a file if one was chosen, else what was pasted."""
    file = fields.get("file", [b""])[0]
    if isinstance(file, bytes) and file:
        return file
    return first(fields, "message").encode("utf-8", "surrogateescape")


def _mailbox(text: str, problems: list[Problem]) -> Mailbox | None:
    found = typed_mailbox(text)
    if found is None:
        problems.append(("try.no_address", text.strip()))
    return found


def _address(text: str, problems: list[Problem]) -> Address | None:
    if not text:
        return None
    found = typed_ip(text)
    if found is None:
        problems.append(("try.no_ip", text))
    return found
