"""Opening a ticket again, on a real journal and a real spool: once, by the right way, whatever dies in between."""

import asyncio
import email
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from relay.errors import NotDurableError, UnavailableError
from relay.events import JournalTrouble
from relay.journal.entry import Entry
from relay.journal.query import COMMAND_LINE
from relay.journal.store import Journal, JournalPlace
from relay.mail.content import HeldContent
from relay.service.reopening import Reopen
from relay.settings.model import DigestSettings, JournalSettings, Settings
from relay.settings.words import DigestLanguage
from relay.spool.item import Item
from relay.spool.reopenable import OpenWay, ToKeep
from relay.spool.store import SpoolPlace, Store
from relay.web.sources import Reopened
from tests.journal.entries import copy, customer
from tests.samples import BOOK, box
from tests.spool.mail import items_of, new, octets, path

COPY = (
    b"Message-ID: <copy-1@crm.example>\r\nFrom: care@shop.example\r\nTo: anna@mail.example\r\n"
    b"Subject: Your order\r\n\r\nHello\r\n"
)
NOW = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
KEPT = Settings(channels=(), state="/none", journal=JournalSettings(keep_closed=timedelta(days=7)))


@dataclass
class House:
    """A journal with an entry Q1 that is kept and one Q2 that is open, and the spool beside it."""

    journal: Journal
    spool: Store
    settings: Settings = KEPT
    now: datetime = NOW
    events: list[object] = field(default_factory=list)
    pokes: int = 0

    def reopen(self, **more: Any) -> Reopen:
        parts: dict[str, Callable[..., Any]] = {
            "settings": lambda: self.settings,
            "journal": lambda: self.journal,
            "spool": lambda: self.spool,
            "hostname": lambda: "relay.shop.example",
            "now": lambda: self.now,
            "observe": self.events.append,
            "poke": self._poke,
        }
        return Reopen(**(parts | more))

    def _poke(self) -> None:
        self.pokes += 1

    async def keep(self, octets: bytes = COPY, **more: Any) -> None:
        ordinary = {
            "author": box("care@shop.example"),
            "channel": "care",
            "channel_address": box("care@shop.example"),
            "ways": (OpenWay("helpdesk", (path("in-1@desk.example", notify="NEVER"),)),),
        }
        await self.spool.put([], HeldContent(octets), ToKeep("Q1", **(ordinary | more)))

    async def entry(self) -> Entry:
        (entry,) = await self.journal.get("Q1")
        return entry

    async def waiting(self) -> list[Item]:
        return await items_of(self.spool)


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    journal = await Journal.open(JournalPlace(tmp_path / "journal"))
    spool = await Store.open(SpoolPlace(tmp_path / "spool"), now=lambda: NOW - timedelta(hours=20))
    await journal.add([(copy(1, queue_id="Q1"), BOOK), (customer(2, queue_id="Q2"), BOOK)])
    made = House(journal, spool)
    await made.keep()
    yield made
    await spool.close()
    await journal.close()


async def test_the_helpdesk_is_told_by_the_spool_and_the_entry_says_who_and_when(house: House):
    assert await house.reopen()("Q1", "anna") is Reopened.DONE
    (item,) = await house.waiting()
    assert (item.queue_id, item.destination, item.reason, item.channel) == (
        "Q1-R",
        "helpdesk",
        "reopened",
        "care",
    )
    assert item.forward_paths == (path("in-1@desk.example"),)
    assert item.reverse_path.text == "care@shop.example"
    assert item.client.address is None
    message = email.message_from_bytes(await octets(house.spool, item))
    assert message["X-Ticket-Status"] == "open"
    assert message["X-Ticket-Reason"] == "reopened; channel=care; id=Q1"
    assert message["In-Reply-To"] == "<copy-1@crm.example>"
    assert COPY in await octets(house.spool, item)
    entry = await house.entry()
    assert entry.reopened is not None
    assert (entry.reopened.who, entry.reopened.at) == ("anna", NOW)
    assert house.pokes == 1


async def test_it_happens_once_however_many_want_it(house: House):
    answers = await asyncio.gather(*(house.reopen()("Q1", who) for who in ("anna", "bob", "eve", "ops")))
    assert sorted(answers) == [Reopened.ALREADY] * 3 + [Reopened.DONE]
    assert await house.reopen()("Q1", "late") is Reopened.ALREADY
    assert len(await house.waiting()) == 1
    assert house.pokes == 1


async def test_a_death_between_spool_and_journal_is_made_up_for_and_doubles_nothing(house: House):
    kept = await house.spool.kept("Q1")
    assert kept is not None
    put = [new("Q1-R", head=b"", body_from=0)]
    assert await house.spool.reopen(kept, "anna", put, HeldContent(b"")) is True
    assert await house.reopen()("Q1", "bob") is Reopened.ALREADY
    assert len(await house.waiting()) == 1
    entry = await house.entry()
    assert entry.reopened is not None
    assert (entry.reopened.who, entry.reopened.at) == ("anna", NOW - timedelta(hours=20)), "as it really was"


async def test_a_journal_that_fails_after_the_message_is_on_its_way_is_told_and_tried_again_the_next_time(
    house: House,
):
    class Failing:
        """A journal whose disk fills up between a look and a note."""

        async def get(self, ref: str) -> tuple[Entry, ...]:
            return await house.journal.get(ref)

        async def reopen(self, ref: str, who: str, at: datetime) -> bool:
            raise NotDurableError("the disk is full")

    assert await house.reopen(journal=Failing)("Q1", "anna") is Reopened.DONE
    (event,) = house.events
    assert isinstance(event, JournalTrouble)
    assert "Q1" in event.words
    assert (await house.entry()).reopened is None
    assert await house.reopen()("Q1", "bob") is Reopened.ALREADY
    reopened = (await house.entry()).reopened
    assert reopened is not None
    assert reopened.who == "anna"
    assert len(await house.waiting()) == 1


async def test_what_cannot_be_reopened_is_said_and_nothing_is_done(house: House):
    reopen = house.reopen()
    assert await reopen("Q9", "anna") is Reopened.NO_ENTRY
    assert await reopen("copy-1@crm.example", "anna") is Reopened.NO_ENTRY, "a reference is wanted"
    assert await reopen("Q2", "anna") is Reopened.NOT_CLOSED
    assert await house.reopen(spool=lambda: None)("Q1", "anna") is Reopened.NOT_KEPT
    await house.spool.forget_kept(["Q1"])
    assert await reopen("Q1", "anna") is Reopened.NOT_KEPT
    assert await house.waiting() == []
    assert (await house.entry()).reopened is None


async def test_what_is_too_old_counts_as_gone_though_it_is_still_there(house: House):
    house.now = NOW + timedelta(days=7)
    assert await house.reopen()("Q1", "anna") is Reopened.NOT_KEPT
    house.now = NOW
    house.settings = Settings(channels=(), state="/none")
    assert await house.reopen()("Q1", "anna") is Reopened.NOT_KEPT, "nothing is kept any more"


async def test_a_journal_that_is_away_is_trouble_and_nothing_is_done(house: House):
    with pytest.raises(UnavailableError, match="the journal is away"):
        await house.reopen(journal=lambda: None)("Q1", "anna")
    assert await house.waiting() == []


async def test_a_content_that_is_damaged_is_not_kept(house: House):
    await house.spool.forget_kept(["Q1"])
    await house.keep(COPY + b"x" * 200_000)
    (file,) = (house.spool._folder.place / "contents").glob("*")
    file.unlink()
    assert await house.reopen()("Q1", "anna") is Reopened.NOT_KEPT
    assert (await house.entry()).reopened is None


async def test_every_way_that_the_message_took_is_told(house: House):
    await house.spool.forget_kept(["Q1"])
    ways = (
        OpenWay("helpdesk", (path("in-1@desk.example"), path("open@desk.example"))),
        OpenWay("helpdesk:orders", (path("jörg@orders.example"),)),
    )
    await house.keep(COPY + "Grüße\r\n".encode() + b"x" * 200_000, ways=ways)
    assert await house.reopen()("Q1", "anna") is Reopened.DONE
    one, other = await house.waiting()
    assert (one.destination, one.forward_paths) == ("helpdesk", ways[0].forward_paths)
    assert (other.destination, other.forward_paths) == ("helpdesk:orders", ways[1].forward_paths)
    assert (one.reverse_path.smtputf8, other.reverse_path.smtputf8) == (False, True)
    assert one.reverse_path.body == other.reverse_path.body == "8BITMIME"
    assert await octets(house.spool, one) == await octets(house.spool, other)


async def test_the_language_is_that_of_digests(house: House):
    house.settings = Settings(
        channels=(), state="/none", journal=KEPT.journal, digest=DigestSettings(language=DigestLanguage.DE)
    )
    await house.reopen()("Q1", "anna")
    (item,) = await house.waiting()
    assert b"Ticket wieder offen ist" in await octets(house.spool, item)


@pytest.mark.parametrize(
    ("language", "who"), [(DigestLanguage.EN, "Somebody at the"), (DigestLanguage.DE, "Jemand an der")]
)
async def test_a_wish_from_the_command_line_is_told_as_that(
    house: House, language: DigestLanguage, who: str
) -> None:
    house.settings = Settings(
        channels=(), state="/none", journal=KEPT.journal, digest=DigestSettings(language=language)
    )
    await house.reopen()("Q1", COMMAND_LINE)
    (item,) = await house.waiting()
    assert f"\r\n\r\n{who} ".encode() in await octets(house.spool, item)
    entry = await house.entry()
    assert entry.reopened is not None
    assert entry.reopened.who == COMMAND_LINE
