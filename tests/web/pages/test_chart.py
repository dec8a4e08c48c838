from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from relay.journal.query import OTHERS, Count
from relay.web.figures import total
from relay.web.pages.chart import CHANNELS, charts

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 3)


def count(channel: str, verdict: str, messages: int, day: date = FIRST, *, doubtful: bool = False) -> Count:
    return Count(day, channel, verdict, "reason", doubtful, messages)


def test_each_day_has_a_bar_even_without_mail() -> None:
    (chart,) = charts([], FIRST, LAST)
    assert [bar.day for bar in chart.bars] == [FIRST, date(2026, 3, 2), LAST]
    assert (chart.closed, chart.open, chart.top, chart.whole) == (0, 0, 2, True)
    assert all(bar.closed_height == bar.open_height == 0 for bar in chart.bars)


def test_closed_stands_below_open_and_both_are_parts_of_the_height() -> None:
    (chart,) = charts([count("support", "auto-closed", 3), count("support", "open", 1)], FIRST, LAST)
    bar = chart.bars[0]
    assert (chart.top, bar.closed, bar.open) == (4, 3, 1)
    assert (bar.closed_y, bar.closed_height) == (25, 75)
    assert (bar.open_y, bar.open_height) == (0, 25)


def test_channels_have_charts_of_their_own_the_busiest_first_and_the_rest_is_one() -> None:
    counts = [count(f"c{number}", "open", 20 - number) for number in range(CHANNELS + 3)]
    found = charts(counts, FIRST, LAST)
    assert [chart.name for chart in found] == ["", *[f"c{number}" for number in range(CHANNELS)], OTHERS]
    assert found[0].open == sum(chart.open for chart in found[1:]) == sum(each.messages for each in counts)
    assert [chart.whole for chart in found] == [True] + [False] * (CHANNELS + 1)


def test_what_the_journal_has_summed_up_is_the_rest_however_busy_it_is() -> None:
    found = charts([count("a", "open", 1), count(OTHERS, "open", 9)], FIRST, LAST)
    assert [(chart.name, chart.open) for chart in found] == [("", 10), ("a", 1), (OTHERS, 9)]


def test_totals_tell_closed_open_and_doubtful() -> None:
    found = total(
        [count("a", "auto-closed", 3), count("a", "auto-closed", 2, doubtful=True), count("", "open", 4)]
    )
    assert (found.messages, found.closed, found.open, found.doubtful) == (9, 5, 4, 2)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 40))
def test_no_bar_leaves_its_chart(closed: int, kept: int, days: int) -> None:
    last = FIRST + timedelta(days=days)
    (chart,) = charts([count("a", "auto-closed", closed, last), count("a", "open", kept, last)], FIRST, last)
    bar = chart.bars[-1]
    assert -0.1 <= bar.open_y <= bar.closed_y <= 100
    assert bar.closed_height + bar.open_height <= 100.1
    assert chart.width == 10 * (days + 1) == bar.x + 10
    assert chart.top >= closed + kept
    assert chart.top % 2 == 0
