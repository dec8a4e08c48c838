"""One decision: why the ticket was closed, or why not; with a login, or by a signed link."""

from datetime import UTC, datetime
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from relay.errors import NotDurableError, UnavailableError
from relay.journal.entry import Entry
from relay.journal.store import Journal
from relay.links import is_signed
from relay.stamp import stamp
from relay.web.access import require_operate, require_read
from relay.web.pages.rendering import Rendering, form_of
from relay.web.pages.shown import Explaining, other_of, row_of
from relay.web.sources import Reopened, Sources

LOCAL, BY_LINK = "local", "link"
"""Who looked, where nobody logged in: somebody on this machine, or with a signed link."""
_OTHERS, _LOOKS = 20, 50


async def decision(rendering: Rendering, request: Request) -> Response:
    """Show one decision; the journal notes who looked.  A name that several have leads to a list."""
    visitor = require_read(request)
    journal = _journal(rendering)
    name = request.path_params["ref"]
    entries = await journal.get(name)
    exact = [entry for entry in entries if entry.ref == name] or list(entries)
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
    noted = await _note(journal, entry, who)
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
        lines=stamp_lines(entry, rendering.sources),
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
    journal = _journal(rendering)
    entry = next((each for each in await journal.get(ref) if each.ref == ref), None)
    if entry is None:
        raise HTTPException(404)
    await _note(journal, entry, BY_LINK)
    return rendering.page(
        request,
        "why.html",
        forms=False,
        entry=entry,
        lines=stamp_lines(entry, rendering.sources),
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


def stamp_lines(entry: Entry, sources: Sources) -> tuple[str, ...]:
    """Return the fields that the verdict sets by the rules in force."""
    edit = stamp(entry.verdict, sources.stamp(), entry.queue_id, entry.ref)
    return tuple(f"{name}: {value}" for name, value in edit.inserted)


async def _note(journal: Journal, entry: Entry, who: str) -> bool:
    """Note the look; a journal that can be read but not written shows its entries all the same."""
    try:
        await journal.look(entry.ref, who, datetime.now(UTC))
    except NotDurableError:
        return False
    return True


def _journal(rendering: Rendering) -> Journal:
    journal = rendering.sources.journal()
    if journal is None:
        raise UnavailableError("the journal is away")
    return journal


def _outcome(request: Request) -> str | None:
    asked = request.query_params.get("outcome", "")
    return asked if asked in set(Reopened) else None
