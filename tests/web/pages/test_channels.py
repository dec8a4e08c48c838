from pathlib import Path

from relay.channels import Channel, ChannelBook
from relay.mail.address import Mailbox
from relay.settings.parse import parse_settings
from relay.web.app import application
from relay.web.books import channels_like
from tests.growth import seconds
from tests.web.made import browser, settings, sources
from tests.web.pages.reading import see


async def test_the_channels_in_force_are_shown_with_what_they_can_close() -> None:
    force = settings(
        "rule: {bcc_evidence: [header, envelope]}\nplatform: {networks: [10.9.0.0/24], users: [tool]}\n"
    )
    async with browser(application(sources(force))) as client:
        page = await see(client, "/channels")
        german = await see(client, "/channels?lang=de")
    for words in (
        "support auto_close: always when_in_doubt: close",
        "orders auto_close: observe when_in_doubt: open",
        "inbound in-7f3@relay.company.net",
        "orders only observes (auto_close: observe); switched on: outbound copies",
        "platform.networks 10.9.0.0/24",
        "platform.users tool",
        "inside company.com",
        force.book().digest,
    ):
        assert words in page.text
    assert "orders beobachtet nur (auto_close: observe)" in german.text
    assert page.links["Its decisions"].startswith("/search?channel=")


async def test_a_name_or_a_part_of_an_address_finds_channels() -> None:
    async with browser(application(sources())) as client:
        assert "in-7f3@" not in (await see(client, "/channels?q=ORDERS")).text
        assert "in-7f3@" in (await see(client, "/channels?q=7f3")).text
        assert "in-7f3@" in (await see(client, "/channels?q=%20SUPPORT@Company")).text
        assert "Nothing was found." in (await see(client, "/channels?q=nobody")).text


def test_no_text_reaches_from_one_address_into_the_next() -> None:
    book = settings().book()
    assert channels_like(book, "support\nsupport@") == ()
    assert channels_like(book, " \n") == book.channels


def test_a_new_book_is_searched_by_its_own_channels() -> None:
    for name in ("one", "two"):
        text = f"version: 1\nchannels: {{{name}: {{address: {name}@company.com}}}}\n"
        book = parse_settings(text, "channels.yaml", Path("/nowhere"), {}).book()
        assert [found.name for found in channels_like(book, f"{name}@")] == [name]


def test_a_hundred_thousand_channels_are_searched_without_spelling_them_out_again() -> None:
    book = ChannelBook(Channel(f"c{n}", Mailbox(f"c{n}", "company.com")) for n in range(100_000))
    assert len(channels_like(book, "c99999")) == 1
    found = seconds(lambda: channels_like(book, "c77777@"))
    assert channels_like(book, "c77777@") == tuple(c for c in book.channels if "c77777@" in str(c.address))
    assert found < seconds(lambda: [c for c in book.channels if "c77777@" in str(c.address)])


async def test_of_very_many_channels_the_first_are_shown() -> None:
    many = "".join(f"  c{n}: {{address: c{n}@company.com}}\n" for n in range(300))
    force = settings()
    book = parse_settings(f"version: 1\nchannels:\n{many}", "channels.yaml", Path("/nowhere"), {}).book()
    async with browser(application(sources(force, book=lambda: book))) as client:
        page = await see(client, "/channels")
        assert "and 100 more" in page.text
        assert "All channels" in (await see(client, "/overview")).links
