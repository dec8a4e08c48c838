"""Counts per day as bars, ready to be drawn.  Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from relay.journal.query import OTHERS, Count

CHANNELS = 8
"""Those that have a chart of their own, the busiest; the rest is one."""
_BAR = 10
"""Width of a day; heights are parts of 100."""
_CLOSED = "auto-closed"


@dataclass(frozen=True, slots=True)
class Bar:
    """One day."""

    day: date
    closed: int
    open: int
    x: int
    closed_y: float
    closed_height: float
    open_y: float
    open_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """All days of one channel, or of all mail."""

    name: str
    """A channel; empty: the author is none; ``OTHERS``."""
    bars: tuple[Bar, ...]
    top: int
    """What the whole height stands for."""
    whole: bool = False
    """It shows all mail, whatever its name."""

    @property
    def width(self) -> int:
        """Of all bars together."""
        return len(self.bars) * _BAR

    @property
    def closed(self) -> int:
        """All that were closed."""
        return sum(bar.closed for bar in self.bars)

    @property
    def open(self) -> int:
        """All that stayed open."""
        return sum(bar.open for bar in self.bars)


def charts(counts: Sequence[Count], first: date, last: date) -> tuple[Chart, ...]:
    """Return a chart of all mail, then one of each channel, the busiest first; only the former if there is one channel."""
    days = tuple(first + timedelta(days=number) for number in range((last - first).days + 1))
    busy: Counter[str] = Counter()
    for count in counts:
        busy[count.channel] += count.messages
    del busy[OTHERS]
    named = [channel for channel, _ in busy.most_common(CHANNELS)]
    parts = [_chart(channel, [each for each in counts if each.channel == channel], days) for channel in named]
    rest = [each for each in counts if each.channel not in named]
    if rest:
        parts.append(_chart(OTHERS, rest, days))
    whole = _chart("", counts, days, whole=True)
    return (whole, *parts) if len(parts) > 1 else (whole,)


def _chart(name: str, counts: Iterable[Count], days: Sequence[date], *, whole: bool = False) -> Chart:
    closed: Counter[date] = Counter()
    kept: Counter[date] = Counter()
    for count in counts:
        (closed if count.verdict == _CLOSED else kept)[count.day] += count.messages
    top = _round_up(max((closed[day] + kept[day] for day in days), default=0))
    bars = [_bar(day, number, closed[day], kept[day], top) for number, day in enumerate(days)]
    return Chart(name, tuple(bars), top, whole)


def _bar(day: date, number: int, closed: int, kept: int, top: int) -> Bar:
    closed_height, open_height = 100 * closed / top, 100 * kept / top
    return Bar(
        day=day,
        closed=closed,
        open=kept,
        x=number * _BAR,
        closed_y=round(100 - closed_height, 2),
        closed_height=round(closed_height, 2),
        open_y=round(100 - closed_height - open_height, 2),
        open_height=round(open_height, 2),
    )


def _round_up(most: int) -> int:
    """Return the next number that is easily halved: 2, 4, 6, 8, 10, 20, 40 ..."""
    step = 1
    while True:
        for number in (2, 4, 6, 8, 10):
            if most <= number * step:
                return number * step
        step *= 10
