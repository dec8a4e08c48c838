"""What was decided lately: figures, charts, doubtful closings first, and what observing channels would have closed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from relay.channels import AutoClose, ChannelBook
from relay.journal.query import Count, Query
from relay.journal.store import Journal
from relay.judge import Reason
from relay.judge.closable import closable
from relay.spool.item import Depth
from relay.web.access import require_read
from relay.web.pages.chart import charts, total
from relay.web.pages.rendering import AWAY, Rendering, today
from relay.web.pages.shown import Explaining, row_of

PERIODS = (7, 14, 30, 90, 365)
"""Days."""
_DOUBTFUL, _CHANNELS = 5, 20
"""Entries and channels that are listed."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a channel that observes would have closed."""

    channel: str
    messages: int
    doubtful: int


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
    counts = await journal.counts(first, last)
    doubtful = await journal.find(Query(doubtful=True), most=_DOUBTFUL)
    return {
        "total": total(counts),
        "doubtful": [row_of(entry) for entry in doubtful],
        "observing": observing(counts, book),
        "charts": charts(counts, first, last),
        "reasons": _reasons(counts),
    }


def observing(counts: Sequence[Count], book: ChannelBook) -> tuple[Observed, ...]:
    """Return what each channel that observes now would have closed, the most first."""
    found = []
    for channel in book.channels:
        if channel.auto_close is AutoClose.OBSERVE:
            seen = [each for each in counts if (each.channel, each.reason) == (channel.name, Reason.OBSERVED)]
            found.append(Observed(channel.name, total(seen).messages, total(seen).doubtful))
    return tuple(sorted(found, key=lambda each: -each.messages)[:_CHANNELS])


def _reasons(counts: Sequence[Count]) -> list[tuple[str, int]]:
    reasons: Counter[str] = Counter()
    for count in counts:
        reasons[count.reason] += count.messages
    return reasons.most_common()


def _period(text: str) -> int:
    return next((period for period in PERIODS if str(period) == text), 14)


async def _depth(rendering: Rendering) -> Depth | None:
    spool = rendering.sources.spool()
    try:
        return await spool.depth() if spool is not None else None
    except AWAY:
        return None
