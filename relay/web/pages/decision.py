"""One decision: why the ticket was closed, or why not; with a login, or by a signed link."""

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from relay.journal.entry import Entry
from relay.journal.query import BY_LINK, LOCAL
from relay.journal.store import Journal
from relay.journal.values import stamp_lines
from relay.links import is_signed
from relay.web.access import require_operate, require_read
from relay.web.comparing import other_of
from relay.web.looking import journal_of, meant, note
from relay.web.pages.rendering import Rendering, form_of
from relay.web.pages.shown import Explaining, row_of
from relay.web.sources import Reopened

_OTHERS, _LOOKS = 20, 50


async def decision(rendering: Rendering, request: Request) -> Response:
    """Show one decision; the journal notes who looked.  A name that several have leads to a list."""
    visitor = require_read(request)
    journal = journal_of(rendering.sources)
    name = request.path_params["ref"]
    exact = await meant(journal, name)
    if not exact:
        raise HTTPException(404)
    explain = Explaining(rendering.language(request))
    if len(exact) > 1:
        rows = [row_of(entry) for entry in exact]
        return rendering.page(request, "several.html", name=name, rows=rows, explain=explain)
    return await _shown(rendering, request, journal, exact[0], visitor.name or LOCAL)


async def _shown(
    rendering: Rendering, request: Request, journal: Journal, entry: Entry, who: str
) -> Response:
    noted = await note(journal, entry, who)
    alike = [each for each in await journal.same_message(entry.message_id) if each.ref != entry.ref]
    looks = await journal.looks(entry.ref)
    return rendering.page(
        request,
        "decision.html",
        entry=entry,
        outcome=_outcome(request),
        unnoted=not noted,
        others=[other_of(entry, each) for each in alike[:_OTHERS]],
        more_others=max(0, len(alike) - _OTHERS),
        lines=stamp_lines(entry, rendering.sources.stamp()),
        book=rendering.sources.book().digest,
        looks=looks[::-1][:_LOOKS],
        more_looks=max(0, len(looks) - _LOOKS),
        explain=Explaining(rendering.language(request)),
    )


async def why(rendering: Rendering, request: Request) -> Response:
    """Show one decision to whoever has its signed link; what has no right signature is not there."""
    ref = request.path_params["ref"]
    if not is_signed(ref, request.query_params.get("s", ""), rendering.sources.key):
        raise HTTPException(404)
    journal = journal_of(rendering.sources)
    entry = next((each for each in await journal.get(ref) if each.ref == ref), None)
    if entry is None:
        raise HTTPException(404)
    await note(journal, entry, BY_LINK)
    return rendering.page(
        request,
        "why.html",
        forms=False,
        entry=entry,
        lines=stamp_lines(entry, rendering.sources.stamp()),
        explain=Explaining(rendering.language(request)),
    )


async def reopen(rendering: Rendering, request: Request) -> Response:
    """Tell the helpdesk to open the ticket again."""
    visitor = require_operate(request)
    await form_of(request, rendering.sources)
    assert visitor.name is not None, "only users may operate"
    ref = request.path_params["ref"]
    outcome = await rendering.sources.reopen(ref, visitor.name)
    if outcome is Reopened.NO_ENTRY:
        raise HTTPException(404)
    return rendering.lead(request, f"/decision/{quote(ref, safe='')}?outcome={outcome.value}")


def _outcome(request: Request) -> str | None:
    asked = request.query_params.get("outcome", "")
    return asked if asked in set(Reopened) else None
