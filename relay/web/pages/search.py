"""Search among decisions: a form that works by itself, and its results as a fragment for the script."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from relay.database.columns import number_of
from relay.journal.query import Query
from relay.judge import Disposition, Reason
from relay.web.access import require_read
from relay.web.pages.rendering import Rendering
from relay.web.pages.shown import Explaining, row_of
from relay.web.sources import AWAY

_PAGE = 50
_NAMES = 500
"""Channels that are offered while one types."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form."""

    q: str
    verdict: str
    reason: str
    channel: str
    since: str
    doubtful: bool
    before: int | None

    @property
    def query(self) -> Query:
        """What the journal is asked."""
        return Query(
            verdict=self.verdict or None,
            reason=self.reason or None,
            channel=self.channel or None,
            since=_begin_of(self.since),
            doubtful=self.doubtful,
            text=self.q or None,
        )

    def address(self, before: int | None) -> str:
        """Return where the same search shows entries below the number ``before``."""
        fields = {
            "q": self.q,
            "verdict": self.verdict,
            "reason": self.reason,
            "channel": self.channel,
            "since": self.since,
            "doubtful": "1" if self.doubtful else "",
            "before": str(before) if before is not None else "",
        }
        return (
            f"/search?{urlencode({name: value for name, value in fields.items() if value}, errors='replace')}"
        )


def asked_for(query: QueryParams) -> Asked:
    """Read the form; what no form of ours can say is as if it were not there."""
    verdict, reason = query.get("verdict", ""), query.get("reason", "")
    before = query.get("before", "")
    since = query.get("since", "")
    return Asked(
        q=query.get("q", "").strip()[:998],
        verdict=verdict if verdict in set(Disposition) else "",
        reason=reason if reason in set(Reason) else "",
        channel=query.get("channel", "").strip()[:100],
        since=since if _begin_of(since) is not None else "",
        doubtful=query.get("doubtful") == "1",
        before=number_of(before),
    )


async def search(rendering: Rendering, request: Request) -> Response:
    """Show the form with what it finds."""
    return await _answer(rendering, request, "search.html")


async def results(rendering: Rendering, request: Request) -> Response:
    """Show what is found, as a part of the page."""
    return await _answer(rendering, request, "results.html")


async def _answer(rendering: Rendering, request: Request, template: str) -> Response:
    require_read(request)
    asked = asked_for(request.query_params)
    journal = rendering.sources.journal()
    entries, away = [], journal is None
    if journal is not None:
        try:
            entries = list(await journal.find(asked.query, most=_PAGE + 1, before=asked.before))
        except AWAY:
            away = True
    shown = entries[:_PAGE]
    return rendering.page(
        request,
        template,
        asked=asked,
        away=away,
        entries=[row_of(entry) for entry in shown],
        older=asked.address(shown[-1].number) if len(entries) > _PAGE else None,
        newest=asked.address(None),
        paged=asked.before is not None,
        explain=Explaining(rendering.language(request)),
        verdicts=[each.value for each in Disposition],
        reasons=[each.value for each in Reason],
        channels=[channel.name for channel in rendering.sources.book().channels[:_NAMES]],
    )


def _begin_of(day: str) -> datetime | None:
    with suppress(ValueError, OverflowError):
        return datetime.combine(date.fromisoformat(day), time()).astimezone()
    return None
