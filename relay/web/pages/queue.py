"""The queue: what waits in the spool, and the verbs of ``helpdesk-relay queue``."""

from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from relay.database.columns import number_of
from relay.spool.item import Filter, State
from relay.spool.store import Store
from relay.web.access import require_operate, require_read
from relay.web.pages.rendering import Rendering, first, form_of
from relay.web.waiting import MOST, VERBS, page_of

_ASK_FIRST = frozenset({"bounce", "delete"})
_PAGE = 100


async def queue(rendering: Rendering, request: Request) -> Response:
    """Show what waits."""
    require_read(request)
    store = _store(rendering)
    asked = {
        name: request.query_params.get(name, "").strip()[:200]
        for name in ("queue_id", "hop", "channel", "reason", "state")
    }
    after = number_of(request.query_params.get("after", "")) or 0
    shown, more = await page_of(store, _filter(asked), after, _PAGE)
    again = {name: value for name, value in asked.items() if value}
    return rendering.page(
        request,
        "queue.html",
        asked=asked,
        items=shown,
        depth=await store.depth(),
        older=f"/queue?{urlencode({**again, 'after': shown[-1].id}, errors='replace')}" if more else None,
        verbs=tuple(VERBS),
        done=_verb(request.query_params.get("done", "")),
        changed=number_of(request.query_params.get("n", "")) or 0,
        nothing_meant=request.query_params.get("done") == "nothing",
    )


async def item(rendering: Rendering, request: Request) -> Response:
    """Show one item."""
    require_read(request)
    store, number = _store(rendering), number_of(request.path_params["number"])
    found = await store.show(number) if number is not None else None
    if found is None:
        raise HTTPException(404)
    return rendering.page(request, "item.html", item=found, verbs=tuple(VERBS))


async def change(rendering: Rendering, request: Request) -> Response:
    """Do what a button says to the chosen items; of what cannot be undone ask first."""
    require_operate(request)
    fields = await form_of(request, rendering.sources)
    store = _store(rendering)
    verb = _verb(first(fields, "verb"))
    if verb is None:
        raise HTTPException(400)
    chosen = _chosen(fields)
    if not chosen:
        return rendering.lead(request, "/queue?done=nothing")
    if verb in _ASK_FIRST and not first(fields, "confirmed"):
        items = [found for number in chosen if (found := await store.show(number)) is not None]
        return rendering.page(request, "confirm.html", verb=verb, items=items)
    changed = await VERBS[verb](store, chosen)
    return rendering.lead(request, f"/queue?done={verb}&n={changed}")


def _filter(asked: dict[str, str]) -> Filter:
    return Filter(
        queue_id=asked["queue_id"] or None,
        destination=asked["hop"] or None,
        channel=asked["channel"] or None,
        reason=asked["reason"] or None,
        state=State(asked["state"]) if asked["state"] in set(State) else None,
    )


def _chosen(fields: dict[str, Any]) -> list[int]:
    numbers = [number_of(value) for value in fields.get("id", []) if isinstance(value, str)]
    return list(dict.fromkeys(number for number in numbers if number is not None))[:MOST]


def _verb(text: str) -> str | None:
    return text if text in VERBS else None


def _store(rendering: Rendering) -> Store:
    store = rendering.sources.spool()
    if store is None:
        raise HTTPException(404)
    return store
