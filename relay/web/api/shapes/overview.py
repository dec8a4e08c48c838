"""The overview: what was decided lately, in figures.  Pure."""

from datetime import date
from typing import Annotated, TypedDict

from relay.judge import Disposition, Reason
from relay.web.api.shapes.decision import Entry
from relay.web.api.shapes.queue import QueueDepth


class DayCount(TypedDict):
    """How many messages of one day, channel and kind were judged."""

    day: Annotated[date, "By the clock of the relay's machine."]
    channel: Annotated[
        str | None,
        "The author's channel; null where the author is none; `*`: all but the 50 busiest together.",
    ]
    verdict: Disposition
    reason: Reason
    doubtful: bool
    messages: int


class Totals(TypedDict):
    """Sums of the days."""

    messages: int
    auto_closed: int
    open: int
    doubtful: int


class Observing(TypedDict):
    """What a channel that observes would have closed."""

    channel: str
    messages: int
    doubtful: int


class Overview(TypedDict):
    """What was decided lately."""

    first: date
    last: date
    total: Totals
    counts: list[DayCount]
    observing: Annotated[
        list[Observing], "Channels with `auto_close: observe`, the busiest first, 200 at most."
    ]
    doubtful: Annotated[list[Entry], "The newest doubtful closings, five at most."]
    queue: Annotated[QueueDepth | None, "null where the mode has no spool."]
    ready: Annotated[bool, "Mail is taken and can be kept or handed over."]
