"""What was decided lately: figures, charts, doubtful closings first, and what observing channels would have closed."""

from datetime import date, timedelta
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from relay.channels import ChannelBook
from relay.journal.query import Query
from relay.journal.store import Journal
from relay.judge.closable import closable
from relay.spool.item import Depth
from relay.web.access import require_read
from relay.web.figures import PERIOD, PERIODS, observing, reasons, total
from relay.web.pages.chart import CHANNELS, charts
from relay.web.pages.rendering import Rendering
from relay.web.pages.shown import Explaining, row_of
from relay.web.place import today
from relay.web.sources import AWAY

_DOUBTFUL, _CHANNELS = 5, 20
"""Entries and channels that are listed."""


async def overview(rendering: Rendering, request: Request) -> Response:
    """Show the overview; without the journal what can be shown of it."""
    require_read(request)
    sources, language = rendering.sources, rendering.language(request)
    days = _period(request.query_params.get("days", ""))
    last = today()
    first = last - timedelta(days=days - 1)
    journal, book = sources.journal(), sources.book()
    try:
        found = await _found(journal, book, first, last) if journal is not None else None
    except AWAY:
        found = None
    return rendering.page(
        request,
        "overview.html",
        **(found or {}),
        away=found is None,
        ready=sources.ready(),
        periods=PERIODS,
        days=days,
        first=first,
        last=last,
        depth=await _depth(rendering),
        explain=Explaining(language),
        closable=[closable(channel, book, language) for channel in islice(book.channels, _CHANNELS)],
        more_channels=len(book.channels) > _CHANNELS,
    )


async def _found(journal: Journal, book: ChannelBook, first: date, last: date) -> dict[str, Any]:
    counts = await journal.counts(first, last, CHANNELS)
    observed = await journal.observed(first, last)
    doubtful = await journal.find(Query(doubtful=True), most=_DOUBTFUL)
    return {
        "total": total(counts),
        "doubtful": [row_of(entry) for entry in doubtful],
        "observing": observing(observed, book, _CHANNELS),
        "charts": charts(counts, first, last),
        "reasons": reasons(counts),
    }


def _period(text: str) -> int:
    return next((period for period in PERIODS if str(period) == text), PERIOD)


async def _depth(rendering: Rendering) -> Depth | None:
    spool = rendering.sources.spool()
    try:
        return await spool.depth() if spool is not None else None
    except AWAY:
        return None
