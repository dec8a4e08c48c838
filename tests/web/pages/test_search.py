import pytest

from relay.journal.store import Journal
from relay.web.app import application
from tests.web.made import browser, copy, customer, form, keep, sources
from tests.web.pages.reading import Html, see


def names(page: Html) -> list[str]:
    """The decisions that a page leads to, by their subject or Message-ID."""
    return [name for name, target in page.links.items() if target.startswith("/decision/")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["form@www.company.com", "ask-1@mail.example", "Order 2", "Order 1"]),
        ("q=copy-1@crm.example", ["Order 1"]),
        ("q=%3Ccopy-1@crm.example%3E", ["Order 1"]),
        ("q=anna2@mail.example", ["Order 2"]),
        ("q=QUEUE-1", ["Order 1"]),
        ("q=Order+1", ["Order 1"]),
        ("q=nobody@x.example", []),
        ("verdict=auto-closed", ["Order 2", "Order 1"]),
        ("verdict=open", ["form@www.company.com", "ask-1@mail.example"]),
        ("reason=foreign-author", ["ask-1@mail.example"]),
        ("channel=sales", ["form@www.company.com"]),
        ("doubtful=1", ["form@www.company.com"]),
        ("since=2026-03-05", []),
        ("since=2026-03-01", ["form@www.company.com", "ask-1@mail.example", "Order 2", "Order 1"]),
        ("verdict=nonsense&reason=nonsense&since=nonsense&before=nonsense", None),
        ("before=-1&q=%00%ff%0a", []),
    ],
)
@pytest.mark.parametrize("path", ["/search", "/search/results"])
async def test_what_is_found(journal: Journal, query: str, found: list[str] | None, path: str) -> None:
    await keep(journal, copy(1, queue_id="QUEUE-1"), copy(2), customer(), form())
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, f"{path}?{query}")
    everything = ["form@www.company.com", "ask-1@mail.example", "Order 2", "Order 1"]
    assert names(page) == (everything if found is None else found)
    assert ("Nothing was found." in page.text) == (found == [])


async def test_the_fragment_is_only_the_results(journal: Journal) -> None:
    await keep(journal, copy())
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/search/results?q=Order")
    assert not {"html", "head", "main", "form", "script"} & set(page.tags)


async def test_pages_lead_through_everything_and_keep_the_filters(journal: Journal) -> None:
    await keep(journal, *(copy(number) for number in range(120)), customer())
    seen: list[str] = []
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/search?verdict=auto-closed&q=crm.example")
        seen += names(page)
        while "Older" in page.links:
            assert "verdict=auto-closed" in page.links["Older"]
            page = await see(client, page.links["Older"])
            seen += names(page)
        assert names(await see(client, page.links["Newest"])) == seen[:50]
    assert seen == [f"Order {number}" for number in reversed(range(120))]


async def test_what_was_asked_stands_in_the_form_again(journal: Journal) -> None:
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/search?q=%22%3E%3Cb%3E&channel=support&since=2026-03-01")
    fields = page.form("/search").fields
    assert (fields["q"], fields["channel"], fields["since"]) == ('"><b>', "support", "2026-03-01")
    assert "b" not in page.tags


async def test_without_the_journal_the_form_is_there_with_a_warning() -> None:
    async with browser(application(sources())) as client:
        for path in ("/search", "/search/results"):
            assert "The journal cannot be reached now" in (await see(client, path)).text
