"""Keeping closed messages for reopening: by what transaction, what is known of them, and that mail never waits for it."""

from dataclasses import replace

import pytest

from relay.errors import NotDurableError
from relay.events import ClosedNotKept, Fault
from relay.mail.content import HeldContent
from relay.settings.model import ForwardTo
from relay.spool.reopenable import OpenWay
from tests.pipeline.test_pass_through import COPY, path
from tests.pipeline.test_spooled import LATER, NEVER, NOT_KEPT, TAKEN, House
from tests.samples import box

CUSTOMER = b"From: anna@customer.example\r\n\r\nHi\r\n"
FORGED = b"X-Ticket-Status: open\r\n" + COPY


def keeping(**more: bool) -> House:
    house = House(**more)
    house.plan = replace(house.plan, keep_closed=True)
    return house


async def test_what_the_helpdesk_took_at_once_is_kept_by_a_transaction_of_its_own():
    house = keeping()
    assert await house.send("in@relay.example", content=HeldContent(FORGED)) == TAKEN.reply
    ((closed, octets, beside),) = house.closed
    assert (octets, beside) == (FORGED, 0)
    assert (closed.ref, closed.author, closed.channel) == ("Q1", box("support@company.com"), "support")
    assert closed.channel_address == box("support@company.com")
    assert closed.ways == (OpenWay("helpdesk", (path("in@relay.example"),)),)


@pytest.mark.parametrize("try_at_once", [True, False])
async def test_what_waits_is_kept_by_the_same_transaction(try_at_once: bool):
    house = keeping(try_at_once=try_at_once)
    house.outcomes["in@relay.example"] = LATER
    await house.send("in@relay.example", content=HeldContent(FORGED))
    assert [(octets, beside) for _, octets, beside in house.closed] == [(FORGED, 1)]
    assert len(house.items) == 1


async def test_only_closed_messages_are_kept_and_only_where_it_is_asked_for():
    house = keeping()
    await house.send("in@relay.example", content=HeldContent(CUSTOMER))
    plain = House()
    await plain.send("in@relay.example")
    assert house.closed == plain.closed == []


async def test_what_the_helpdesk_refused_for_all_is_not_kept():
    house = keeping()
    house.outcomes["in@relay.example"] = NEVER
    assert await house.send("in@relay.example") == NEVER.reply
    assert house.closed == []


async def test_what_the_helpdesk_refused_is_not_kept_though_others_get_it():
    house = keeping(may_relay=True)
    house.outcomes["in@relay.example"] = NEVER
    assert (await house.send("in@relay.example", "anna@customer.example")).code == 250
    assert house.closed == []


async def test_every_way_to_the_helpdesk_is_remembered_as_an_open_ticket_would_take_it():
    house = keeping(may_relay=True)
    targets = ForwardTo(path("open@tickets.example"), path("copies@tickets.example"))
    house.plan = replace(house.plan, routes=replace(house.plan.routes, forward_to={"support": targets}))
    house.outcomes["no@desk.example"] = NEVER
    await house.send("in@relay.example", "no@desk.example", "billing@company.com", "anna@customer.example")
    ((closed, _, _),) = house.closed
    assert closed.ways == (
        OpenWay("helpdesk", (path("open@tickets.example"),)),
        OpenWay("helpdesk:billing", (path("billing@company.com"),)),
    )


@pytest.mark.parametrize(
    ("error", "events"),
    [
        (NotDurableError("the disk is gone"), [ClosedNotKept("Q1", "the disk is gone")]),
        (ValueError("a bug"), [ClosedNotKept("Q1", "a fault of ours")]),
    ],
)
async def test_a_delivered_message_goes_on_whatever_becomes_of_keeping_it(
    error: Exception, events: list[object]
):
    house = keeping()
    house.fault = error
    assert await house.send("in@relay.example") == TAKEN.reply
    assert [event for event in house.events if isinstance(event, ClosedNotKept)] == events
    assert any(isinstance(event, Fault) for event in house.events) is isinstance(error, ValueError)


@pytest.mark.parametrize("try_at_once", [True, False])
async def test_a_disk_too_full_to_keep_is_told_and_the_mail_goes_on(try_at_once: bool):
    house = keeping(try_at_once=try_at_once)
    house.room_to_keep = False
    assert (await house.send("in@relay.example")).code == 250
    (event,) = [event for event in house.events if isinstance(event, ClosedNotKept)]
    assert "too full" in event.words


async def test_a_spool_that_cannot_keep_what_waits_is_452_as_ever():
    house = keeping(try_at_once=False)
    house.fault = NotDurableError("the disk is gone")
    assert await house.send("in@relay.example") == NOT_KEPT
    assert not any(isinstance(event, ClosedNotKept) for event in house.events)
