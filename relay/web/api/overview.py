"""What was decided lately, in figures; the doubtful closings."""

from datetime import timedelta

from relay.journal.query import Count, Observed, Query
from relay.journal.values import entry_values
from relay.spool.item import Depth
from relay.web.api import fields
from relay.web.api.operation import Call, Operation
from relay.web.api.shapes import overview as shapes
from relay.web.figures import PERIOD, observing, total
from relay.web.looking import journal_of
from relay.web.place import today

_DOUBTFUL = 5
_CHANNELS, _OBSERVING = 50, 200
"""Channels that are told apart, and those that observe; with 100,000 there would be megabytes of them."""
_DAYS = fields.number("days", "So many days, up to today.", 1, 366, PERIOD)


async def _overview(call: Call) -> object:
    sources = call.sources
    journal, spool = journal_of(sources), sources.spool()
    last = today()
    first = last - timedelta(days=call.values["days"] - 1)
    counts = await journal.counts(first, last, _CHANNELS)
    observed = await journal.observed(first, last)
    sums = total(counts)
    doubtful = await journal.find(Query(doubtful=True), most=_DOUBTFUL)
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "total": {
            "messages": sums.messages,
            "auto_closed": sums.closed,
            "open": sums.open,
            "doubtful": sums.doubtful,
        },
        "counts": list(map(_count, counts)),
        "observing": list(map(_observed, observing(observed, sources.book(), _OBSERVING))),
        "doubtful": list(map(entry_values, doubtful)),
        "queue": depth_values(await spool.depth()) if spool is not None else None,
        "ready": sources.ready(),
    }


def depth_values(depth: Depth) -> dict[str, object]:
    """Return how much is in the spool."""
    return {
        "waiting": depth.waiting,
        "held": depth.held,
        "in_hand": depth.in_hand,
        "oldest_at": depth.oldest_at.isoformat() if depth.oldest_at is not None else None,
    }


def _count(count: Count) -> dict[str, object]:
    return {
        "day": count.day.isoformat(),
        "channel": count.channel or None,
        "verdict": count.verdict,
        "reason": count.reason,
        "doubtful": count.doubtful,
        "messages": count.messages,
    }


def _observed(observed: Observed) -> dict[str, object]:
    return {"channel": observed.channel, "messages": observed.messages, "doubtful": observed.doubtful}


OPERATIONS = (
    Operation(
        *(
            "GET",
            "/overview",
            "showOverview",
            "Decisions",
            "Sum up what was decided lately, per day and channel",
        ),
        does=_overview,
        answers=shapes.Overview,
        query=(_DAYS,),
    ),
)
