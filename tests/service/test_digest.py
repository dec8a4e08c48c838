"""A digest goes out once a day and channel, whatever the clock does and however many relays there are."""

import asyncio
import os
import time as clock_time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from relay.errors import NotDurableError, UnavailableError
from relay.events import DigestSent, DigestTrouble
from relay.journal.entry import Entry
from relay.journal.store import Journal, JournalPlace
from relay.mail.content import Content
from relay.service.digest import GRACE, TRY_AGAIN_AFTER, Digesting, DigestTerms, Means, gathered, span
from relay.settings.model import Settings
from relay.settings.parse import parse_settings
from relay.spool.item import REPORTS, NewItem
from tests.journal.entries import copy, customer, entry
from tests.journal.test_digest import observed
from tests.samples import BOOK

BERLIN = ZoneInfo("Europe/Berlin")
SEVEN = datetime(2026, 3, 4, 7, 0, tzinfo=BERLIN)
TEXT = """\
version: 1
channels:
  care: {address: care@shop.example, digest_to: lead@shop.example}
  orders: {address: orders@shop.example, digest_to: boss@shop.example}
  other: {address: other@shop.example}
deliver: {helpdesk: "smtp://desk.example", reports: mx}
"""


def settings(more: str = "") -> Settings:
    return parse_settings(TEXT + more, "channels.yaml", Path("/"), {})


@dataclass
class House:
    """A relay's digests, with a spool that keeps what it is given, or refuses."""

    journal: Journal | None
    now: datetime = SEVEN
    text: str = ""
    refuse: bool = False
    has_spool: bool = True
    items: list[tuple[NewItem, bytes]] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def put(self, items: Sequence[NewItem], content: Content) -> None:
        self.asked.set()
        await self.answers.wait()
        if self.refuse:
            raise NotDurableError("the disk is full")
        self.items += [(item, b"".join(content.chunks_from(0))) for item in items]

    def digesting(self) -> Digesting:
        means = Means(
            journal=lambda: self.journal,
            put=lambda: self.put if self.has_spool else None,
            new_queue_id=lambda: f"R{len(self.items)}",
            observe=self.events.append,
        )
        terms = DigestTerms(settings(self.text), "relay.company.com")
        return Digesting(lambda: terms, means, lambda: self.now, BERLIN)

    @property
    def told(self) -> list[str]:
        return [item.forward_paths[0].text for item, _ in self.items]


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await Journal.open(JournalPlace(tmp_path / "journal"))
    yield opened
    await opened.close()


async def keep(journal: Journal, *entries: Entry) -> None:
    await journal.add([(entry, BOOK) for entry in entries])


async def looked_at(digesting: Digesting, house: House, start: datetime, until: datetime) -> None:
    """Look every half minute, as the relay does, from ``start`` to ``until``."""
    house.now = start
    while house.now < until:
        await digesting.look()
        house.now = (house.now.astimezone(UTC) + timedelta(seconds=30)).astimezone(start.tzinfo)


# when


async def test_it_is_sent_when_the_clock_shows_digest_at_and_not_before(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal)
    digesting = house.digesting()
    await looked_at(digesting, house, SEVEN - timedelta(minutes=5), SEVEN + GRACE)
    assert house.items == []
    house.now = SEVEN + GRACE
    await digesting.look()
    assert house.told == ["lead@shop.example"]


async def test_it_is_sent_once_a_day(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)), copy(2, at=SEVEN + timedelta(hours=2)))
    house = House(journal)
    await looked_at(house.digesting(), house, SEVEN - timedelta(hours=1), SEVEN + timedelta(days=2))
    assert house.told == ["lead@shop.example"] * 2


async def test_an_hour_that_was_missed_is_made_up_for_on_the_same_day(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)), copy(2, at=SEVEN + timedelta(hours=2)))
    house = House(journal, now=SEVEN + timedelta(hours=16))
    await house.digesting().look()
    (_, content), *more = house.items
    assert not more
    assert b"1 ticket closed" in content


async def test_a_day_that_was_missed_is_not_made_up_for(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, now=SEVEN + timedelta(days=1, hours=1))
    await house.digesting().look()
    assert house.items == []


async def test_a_restart_sends_no_second_one(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, now=SEVEN + timedelta(minutes=1))
    for _ in range(3):
        await house.digesting().look()
    assert len(house.items) == 1


async def test_of_several_relays_that_share_a_journal_one_sends_it(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    houses = [House(journal, now=SEVEN + timedelta(minutes=1)) for _ in range(4)]
    await asyncio.gather(*(house.digesting().look() for house in houses))
    assert sum(len(house.items) for house in houses) == 1


async def test_digest_at_and_digest_language_are_obeyed(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, text='digest: {at: "17:30", language: de, from: it@shop.example}\n')
    digesting = house.digesting()
    evening = SEVEN.replace(hour=17, minute=30)
    await looked_at(digesting, house, SEVEN, evening)
    assert house.items == []
    house.now = evening + GRACE
    await digesting.look()
    ((_, content),) = house.items
    assert b"1 Ticket geschlossen" in content
    assert b"From: helpdesk-relay <it@shop.example>" in content


# the clock changes

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""In Berlin: from 02:00 to 03:00, and from 03:00 to 02:00."""
TIMES = [time(hour, minute) for hour in range(5) for minute in (0, 15, 30, 45)] + [
    time(7),
    time(12),
    time(23, 45),
]


@pytest.mark.parametrize("changed", [SPRING, AUTUMN])
@pytest.mark.parametrize("at", TIMES, ids=str)
def test_spans_follow_each_other_without_a_gap_on_both_sides_of_a_change(changed: date, at: time):
    days = [changed + timedelta(days=n) for n in range(-2, 4)]
    spans = [span(day, at, BERLIN) for day in days]
    for (since, until), (following, _) in pairwise(spans):
        assert since < until == following
    hours = [(until - since) / timedelta(hours=1) for since, until in spans]
    assert sum(hours) == 24 * len(days) + (-1 if changed is SPRING else 1)
    for day, (_, until) in zip(days, spans, strict=True):
        shown = until.astimezone(BERLIN)
        assert shown.date() == day
        assert shown.time() == at or (day == SPRING and at.hour == 2 and shown.hour == 3)


@pytest.mark.parametrize(
    ("day", "at"), [(SPRING, "02:30"), (AUTUMN, "02:30"), (SPRING, "00:00"), (AUTUMN, "23:45")]
)
async def test_one_digest_goes_out_on_the_day_of_a_change(journal: Journal, day: date, at: str):
    _, until = span(day, time.fromisoformat(at), BERLIN)
    await keep(journal, copy(1, at=until - timedelta(hours=3)))
    house = House(journal, text=f'digest: {{at: "{at}"}}\n')
    start = datetime.combine(day, time(), BERLIN) - timedelta(hours=1)
    await looked_at(house.digesting(), house, start, start + timedelta(hours=27))
    assert house.told == ["lead@shop.example"]


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        (SPRING, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # shown as 03:30
        (AUTUMN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 02:30 for the first time
    ],
)
def test_a_time_that_is_skipped_comes_after_the_skip_and_one_that_is_shown_twice_counts_first(
    day: date, moment: datetime
):
    assert span(day, time(2, 30), BERLIN)[1] == moment


@pytest.fixture
def machine_in_berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    clock_time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    clock_time.tzset()


@pytest.mark.usefixtures("machine_in_berlin")
@pytest.mark.parametrize("day", [SPRING, AUTUMN, SPRING + timedelta(days=1), date(2026, 7, 1)])
@pytest.mark.parametrize("at", TIMES, ids=str)
def test_the_machines_own_clock_is_read_like_a_zone(day: date, at: time):
    assert span(day, at) == span(day, at, BERLIN)


# what


async def test_it_tells_of_what_was_closed_from_one_digest_at_to_the_next(journal: Journal):
    moments = [
        SEVEN - timedelta(days=1, seconds=1),
        SEVEN - timedelta(days=1),
        SEVEN - timedelta(seconds=1),
        SEVEN,
    ]
    await keep(journal, *(copy(number, at=at, queue_id=f"Q{number}") for number, at in enumerate(moments)))
    await keep(journal, customer(9, at=SEVEN - timedelta(hours=1)))
    house = House(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    ((_, content),) = house.items
    assert b"2 tickets closed" in content
    assert [name in content for name in (b"Q0", b"Q1", b"Q2", b"Q3")] == [False, True, True, False]


async def test_it_leaves_by_the_way_of_reports_from_the_null_reverse_path(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    ((item, content),) = house.items
    assert (item.destination, item.reverse_path.text, item.channel) == (REPORTS, "", "care")
    assert item.forward_paths[0].notify == "NEVER"
    assert content.startswith(b"Date: Wed, 4 Mar 2026 08:00:00 +0100\r\n")
    assert house.events == [DigestSent("care", 1)]


async def test_a_digest_of_nothing_is_not_sent_and_claims_nothing(journal: Journal):
    await keep(journal, customer(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    assert house.items == house.events == []
    assert await journal.claim_digest("care", SEVEN.date())


async def test_an_observing_channel_is_told_what_would_have_been_closed(journal: Journal):
    await keep(journal, observed(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    ((_, content),) = house.items
    assert b"1 ticket would have been closed" in content


async def test_a_channel_without_digest_to_gets_none(journal: Journal):
    book = settings().book()
    one = entry("From: other@shop.example", "To: anna@mail.example", book=book, at=SEVEN - timedelta(hours=2))
    await journal.add([(one, book)])
    house = House(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    assert house.items == []


async def test_each_channel_has_its_own(journal: Journal):
    book = settings().book()
    for name in ("care", "orders"):
        one = entry(
            f"From: {name}@shop.example", "To: a@mail.example", book=book, at=SEVEN - timedelta(hours=2)
        )
        await journal.add([(one, book)])
    house = House(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    assert house.told == ["lead@shop.example", "boss@shop.example"]


async def test_without_an_end_it_tells_of_everything_until_now(journal: Journal):
    await keep(journal, copy(1, at=datetime.now(UTC) - timedelta(seconds=1)))
    digest = await gathered(journal, "care", datetime.now(UTC) - timedelta(hours=1))
    assert digest.closed == 1


# trouble


async def test_a_spool_that_cannot_keep_it_is_tried_again_and_then_has_it_once(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(journal, refuse=True)
    digesting = house.digesting()
    await looked_at(
        digesting, house, SEVEN + timedelta(hours=1), SEVEN + timedelta(hours=1) + 2 * TRY_AGAIN_AFTER
    )
    assert house.events == [DigestTrouble("care", "the disk is full")] * 2
    house.refuse = False
    await looked_at(digesting, house, house.now, house.now + timedelta(hours=1))
    assert house.told == ["lead@shop.example"]


@pytest.mark.parametrize("away", ["journal", "spool"])
async def test_what_is_away_is_waited_for(journal: Journal, away: str):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house = House(
        None if away == "journal" else journal, now=SEVEN + timedelta(hours=1), has_spool=away != "spool"
    )
    digesting = house.digesting()
    await digesting.look()
    assert house.events == [DigestTrouble(name, f"the {away} is away") for name in ("care", "orders")]
    house.journal, house.has_spool = journal, True
    house.now += TRY_AGAIN_AFTER
    await digesting.look()
    assert house.told == ["lead@shop.example"]


async def test_trouble_with_one_channel_does_not_keep_the_other_from_its_digest(journal: Journal):
    book = settings().book()
    for name in ("care", "orders"):
        one = entry(
            f"From: {name}@shop.example", "To: a@mail.example", book=book, at=SEVEN - timedelta(hours=2)
        )
        await journal.add([(one, book)])

    class Half(House):
        async def put(self, items: Sequence[NewItem], content: Content) -> None:
            if items[0].channel == "care":
                raise UnavailableError("not now")
            await super().put(items, content)

    house = Half(journal, now=SEVEN + timedelta(hours=1))
    await house.digesting().look()
    assert house.told == ["boss@shop.example"]


# a stop


async def handing_over(journal: Journal, house: House) -> Digesting:
    """Return digests of which one is claimed, and the spool asked to take it."""
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    house.answers.clear()
    digesting = house.digesting()
    digesting.start()
    await house.asked.wait()
    assert not await journal.claim_digest("care", house.now.date())
    return digesting


async def test_a_stop_waits_until_a_claimed_digest_is_in_the_spool(journal: Journal):
    house = House(journal, now=SEVEN + timedelta(hours=1))
    digesting = await handing_over(journal, house)
    stop = asyncio.create_task(digesting.stop(60))
    await asyncio.sleep(0.05)
    assert not stop.done()
    house.answers.set()
    await stop
    assert house.told == ["lead@shop.example"]
    assert house.events == [DigestSent("care", 1)]


async def test_a_stop_waits_no_longer_than_it_may_and_a_digest_that_was_not_taken_then_is_the_next_relays(
    journal: Journal,
):
    house = House(journal, now=SEVEN + timedelta(hours=1))
    digesting = await handing_over(journal, house)
    await digesting.stop(0)
    house.refuse = True  # as a spool does that is closed
    house.answers.set()
    await digesting.settle()
    assert house.items == []
    again = House(journal, now=SEVEN + timedelta(hours=2))
    await again.digesting().look()
    assert again.told == ["lead@shop.example"]


async def test_a_digest_that_comes_into_the_spool_after_the_bound_is_not_sent_again(journal: Journal):
    house = House(journal, now=SEVEN + timedelta(hours=1))
    digesting = await handing_over(journal, house)
    await digesting.stop(0)
    house.answers.set()
    await digesting.settle()
    await house.digesting().look()
    assert house.told == ["lead@shop.example"]


async def test_what_one_relay_cannot_send_another_one_that_shares_its_journal_does(journal: Journal):
    await keep(journal, copy(1, at=SEVEN - timedelta(hours=2)))
    full, well = House(journal, now=SEVEN + timedelta(hours=1), refuse=True), House(journal)
    well.now = full.now
    await full.digesting().look()
    await well.digesting().look()
    assert (full.told, well.told) == ([], ["lead@shop.example"])
