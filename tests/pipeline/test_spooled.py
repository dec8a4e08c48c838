"""The modes with a spool: what is tried now, what is kept, and what the client hears."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from relay.delivery.route import Hop, Routes
from relay.errors import NotDurableError
from relay.events import ForwardPathRefused, SpoolTrouble, TransactionEnded
from relay.mail.content import Content, HeldContent
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown
from relay.mail.reply import Reply
from relay.pipeline.seams import Means, Plan, SpoolMeans
from relay.pipeline.spooled import NOT_KEPT, Spooled
from relay.settings.model import ForwardTo
from relay.spool.item import NewItem
from relay.spool.reopenable import ToKeep
from relay.stamp import stamp_rules
from tests.pipeline.test_pass_through import BILLING_DESK, BOOK, COPY, DESK, WORLD, Hops, path

NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
TAKEN = Delivered(Reply(250, "2.0.0", "Taken as 4711"), "desk")
LATER = Deferred(Reply(451, "4.4.1", "Not now"), "desk")
NEVER = Failed(Reply(550, "5.1.1", "Unknown here"), "desk")
SILENCE = Unknown("silence", "desk")


class House:
    """A pipeline with a spool that remembers and a helpdesk that answers as told."""

    def __init__(self, *, try_at_once: bool = True, may_relay: bool = False) -> None:
        self.kept: list[tuple[Sequence[NewItem], bytes]] = []
        self.closed: list[tuple[ToKeep, bytes, int]] = []
        self.room_to_keep = True
        self.tried: list[tuple[Hop, list[str], bytes, float | None]] = []
        self.outcomes: dict[str, Outcome] = {}
        self.strangers: dict[str, Reply] = {}
        self.fault: Exception | None = None
        self.events: list[object] = []
        self.clock = 0.0
        numbers = count(1)
        self.means = Means(
            Hops(), self.events.append, lambda: f"Q{next(numbers)}", lambda: NOW, lambda: self.clock
        )
        self.plan = Plan(
            routes=Routes(BOOK, DESK, "relay.example", by_channel={"billing": BILLING_DESK}, elsewhere=WORLD),
            stamp=stamp_rules(),
            hostname="relay.example",
            header_size=0,
            patience=45.0,
            tell_client=True,
            may_relay=lambda client: may_relay,
            try_at_once=try_at_once,
            unknown_retry=timedelta(minutes=30),
        )

    async def put(self, items: Sequence[NewItem], content: Content, keep: ToKeep | None = None) -> bool:
        if self.fault is not None:
            raise self.fault
        octets = b"".join(content.chunks_from(0))
        if items:
            self.kept.append((tuple(items), octets))
        if keep is not None and self.room_to_keep:
            self.closed.append((keep, octets, len(items)))
        return keep is not None and self.room_to_keep

    async def attempt(
        self,
        hop: Hop,
        reverse_path: ReversePath,
        forward_paths: Sequence[ForwardPath],
        chunks: Callable[[], Iterable[bytes]],
        client: Client | None,
        patience: float | None,
    ) -> tuple[Outcome, ...]:
        self.tried.append((hop, [path.text for path in forward_paths], b"".join(chunks()), patience))
        self.clock += 10
        return tuple(self.outcomes.get(path.text, TAKEN) for path in forward_paths)

    async def verify(self, hop: Hop, path: ForwardPath) -> Reply | None:
        return self.strangers.get(path.text)

    async def send(self, *paths: str, content: Content | None = None) -> Reply:
        transaction = Spooled(
            self.plan,
            self.means,
            SpoolMeans(self.put, self.attempt, self.verify),
            Client(),
            ReversePath("b@crm.example"),
        )
        for text in paths:
            await transaction.rcpt(path(text))
        return await transaction.content(content or HeldContent(COPY))

    @property
    def items(self) -> list[NewItem]:
        return [item for items, _ in self.kept for item in items]

    def ended(self) -> TransactionEnded:
        (event,) = [event for event in self.events if isinstance(event, TransactionEnded)]
        return event


@pytest.fixture
def house() -> House:
    return House()


async def test_what_the_helpdesk_takes_now_is_never_stored_and_its_words_are_the_answer(house: House):
    assert await house.send("in@relay.example") == TAKEN.reply
    assert house.kept == []
    ((_, paths, octets, _),) = house.tried
    assert paths == ["in@relay.example"]
    assert octets.startswith(b"X-Ticket-Status: auto-closed\r\n")
    assert octets.endswith(COPY)


@pytest.mark.parametrize(("outcome", "not_before"), [(LATER, None), (SILENCE, NOW + timedelta(minutes=30))])
async def test_what_cannot_be_taken_now_is_kept_before_the_250(
    house: House, outcome: Outcome, not_before: datetime | None
):
    house.outcomes["in@relay.example"] = outcome
    reply = await house.send("in@relay.example")
    assert (reply.code, reply.text) == (250, "Kept as Q1")
    (item,) = house.items
    assert item.destination == "helpdesk"
    assert item.unknown is (outcome is SILENCE)
    assert item.not_before == not_before
    assert (item.channel, item.reason) == ("support", "outbound-copy")
    assert item.head + house.kept[0][1][item.body_from :] == house.tried[0][2]


async def test_a_refusal_of_all_forward_paths_is_the_clients_in_the_hops_own_words(house: House):
    house.outcomes = {"in@relay.example": NEVER, "a@desk.example": NEVER}
    assert await house.send("in@relay.example", "a@desk.example") == NEVER.reply
    assert house.kept == []


async def test_a_mixed_answer_is_250_and_the_rest_is_kept(house: House):
    house.outcomes = {
        "in@relay.example": TAKEN,
        "a@desk.example": NEVER,
        "b@desk.example": LATER,
        "c@desk.example": SILENCE,
    }
    assert (await house.send(*house.outcomes)).code == 250
    assert [[path.text for path in item.forward_paths] for item in house.items] == [
        ["a@desk.example", "b@desk.example"],
        ["c@desk.example"],
    ]


async def test_forward_paths_elsewhere_always_go_by_the_spool_without_stamp_and_bcc():
    house = House(may_relay=True)
    assert (await house.send("in@relay.example", "anna@customer.example")).code == 250
    assert [tried[0] for tried in house.tried] == [DESK]
    (item,) = house.items
    assert item.destination == "elsewhere"
    content = item.head + house.kept[0][1][item.body_from :]
    assert b"X-Ticket" not in content
    assert b"Bcc" not in content


async def test_mode_spool_tries_nothing_while_the_client_waits():
    house = House(try_at_once=False)
    assert (await house.send("in@relay.example", "billing@company.com")).code == 250
    assert house.tried == []
    assert sorted(item.destination for item in house.items) == ["helpdesk", "helpdesk:billing"]


async def test_the_time_that_a_client_waits_is_shared_by_all_hops(house: House):
    await house.send("in@relay.example", "billing@company.com")
    assert [tried[3] for tried in house.tried] == [45.0, 35.0]


@pytest.mark.parametrize("try_at_once", [True, False])
async def test_no_250_where_the_spool_cannot_keep(try_at_once: bool):
    house = House(try_at_once=try_at_once)
    house.outcomes["in@relay.example"] = LATER
    house.fault = NotDurableError("disk full")
    assert await house.send("in@relay.example") == NOT_KEPT
    assert any(isinstance(event, SpoolTrouble) for event in house.events)


async def test_forward_to_follows_the_verdict_and_the_item_remembers_what_the_client_said(house: House):
    targets = ForwardTo(path("open@tickets.example"), path("copies@tickets.example"))
    house.plan = replace(house.plan, routes=replace(house.plan.routes, forward_to={"support": targets}))
    house.outcomes["copies@tickets.example"] = LATER
    await house.send("in@relay.example")
    assert house.tried[0][1] == ["copies@tickets.example"]
    (item,) = house.items
    assert [path.text for path in item.originals] == ["in@relay.example"]
    await house.send("in@relay.example", content=HeldContent(b"From: anna@customer.example\r\n\r\nHi\r\n"))
    assert house.tried[1][1] == ["open@tickets.example"]


async def test_a_stranger_at_the_helpdesk_is_refused_at_rcpt(house: House):
    house.strangers = {"nobody@desk.example": NEVER.reply, "in@relay.example": NEVER.reply}
    transaction = Spooled(
        house.plan, house.means, SpoolMeans(house.put, house.attempt, house.verify), Client(), ReversePath("")
    )
    assert await transaction.rcpt(path("nobody@desk.example")) == NEVER.reply
    assert (await transaction.rcpt(path("in@relay.example"))).positive
    assert (await transaction.rcpt(path("anna@customer.example"))).code == 550
    assert [type(event) for event in house.events] == [ForwardPathRefused] * 2
    await transaction.abandon()


async def test_a_refused_forward_path_is_evidence(house: House):
    house.strangers = {}
    await house.send("in@relay.example", "support@company.com")
    assert house.ended().verdict.reason.value == "self-addressed"


async def test_a_header_section_too_large_to_judge_is_kept_without_its_forged_stamp(house: House):
    house.plan = replace(house.plan, header_size=1000)
    house.outcomes["in@relay.example"] = LATER
    padding = b"X-Padding: " + b"x" * 5000 + b"\r\n"
    await house.send(
        "in@relay.example", content=HeldContent(padding + b"X-Ticket-Status: auto-closed\r\n" + COPY, 1000)
    )
    ((_, octets),) = house.kept
    assert octets.endswith(padding + COPY)
    assert b"auto-closed" not in octets
