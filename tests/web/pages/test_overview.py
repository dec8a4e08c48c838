import datetime as dt

import pytest

from relay.journal.query import Observed
from relay.journal.store import Journal
from relay.web.app import application
from relay.web.figures import observing
from tests.web.made import browser, copy, customer, form, keep, settings, sources
from tests.web.pages.reading import see

NOW = dt.datetime.now().astimezone()


async def test_the_overview_counts_what_was_decided_and_shows_doubtful_closings_first(
    journal: Journal,
) -> None:
    await keep(journal, copy(1, at=NOW), copy(2, at=NOW), customer(at=NOW), form(at=NOW))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/")
    assert "Judged 4" in page.text
    assert "auto-closed 2" in page.text
    assert "Doubtful closings 1" in page.text
    assert page.text.index("the answer would go to an outsider") < page.text.index("Verdicts per day")
    assert page.links["form@www.company.com"].startswith("/decision/Q")


async def test_an_observing_channel_shows_what_it_would_have_closed_and_the_line_that_switches_it_on(
    journal: Journal,
) -> None:
    await keep(journal, form(at=NOW), form(at=NOW))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/overview")
    assert "Channel sales only observes. It would have closed 2, 2 of them doubtful." in page.text
    assert "channels: sales: auto_close: always" in page.text


def test_only_channels_that_observe_now_are_named_and_those_that_would_have_closed_first() -> None:
    observed = (Observed("support", 60, 0), Observed("gone", 9, 0), Observed("sales", 7, 3))
    book = settings().book()
    assert observing(observed, book, 9) == (Observed("sales", 7, 3), Observed("orders", 0, 0))
    assert observing(observed, book, 1) == (Observed("sales", 7, 3),)


async def test_the_chart_is_drawn_by_the_server_and_has_a_table_beside_it(journal: Journal) -> None:
    await keep(journal, copy(1, at=NOW), customer(at=NOW))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/overview?days=7")
    assert page.tags.count("svg") == 3, "all mail, support, no channel"
    assert page.tags.count("desc") == 3
    roles = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    assert roles == ["img"] * 3
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-labelledby")]
    assert {each for label in labels for each in label.split()} <= set(page.ids)
    assert f"{NOW.date()}: 1 auto-closed, 1 open" in page.text
    assert f"{NOW.date()} 1 / 1" in page.text


@pytest.mark.parametrize("days", ["7", "365", "", "0", "-1", "x", "9" * 400])
async def test_any_period_is_answered(journal: Journal, days: str) -> None:
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, f"/overview?days={days}")
    assert "Nothing was judged in this time." in page.text


async def test_without_the_journal_the_rest_is_shown_with_a_warning() -> None:
    async with browser(application(sources(ready=lambda: False))) as client:
        page = await see(client, "/overview")
        assert "The journal cannot be reached now" in page.text
        assert "The relay cannot take mail now" in page.text
        assert "support: outbound copies that arrive at in-7f3@relay.company.net" in page.text
        assert "svg" not in page.tags
        page = await see(client, "/overview?lang=de")
    assert "ausgehende Kopien, die bei in-7f3@relay.company.net ankommen" in page.text


async def test_a_journal_that_breaks_meanwhile_is_one_that_is_away(journal: Journal) -> None:
    await journal.close()
    async with browser(application(sources(journal=journal))) as client:
        assert "The journal cannot be reached now" in (await see(client, "/overview")).text
        assert "The journal cannot be reached now" in (await see(client, "/search?q=x")).text
        assert "The journal or the queue is away" in (await see(client, "/decision/Q1", 503)).text
