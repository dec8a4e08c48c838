import asyncio
from typing import Any

import httpx
import pytest

from relay.sandbox.inbox import OCTETS_KEPT, SandboxInbox
from relay.web.api import PLACE
from relay.web.app import application
from tests.web.api.calling import call, hold_against_document
from tests.web.made import ELSEWHERE, NOON, PASSWORDS, basic, browser, settings, sources
from tests.web.pages.reading import log_in

MESSAGES = "/sandbox/messages"
STAMP = b"X-Ticket-Status: auto-closed\r\nX-Ticket-Reason: outbound-copy; channel=support; id=6A-1\r\n"


def arrive(inbox: SandboxInbox, number: int, *, closed: bool = False, size: int | None = None) -> None:
    octets = (STAMP if closed else b"") + (
        b"Received: from crm by relay.example\r\nFrom: =?utf-8?q?J=C3=B6rg?= <support@company.com>\r\n"
        b"To: anna@x.example\r\nSubject: Order %d\r\nMessage-ID: <order-%d@crm.example>\r\n\r\nHello\r\n"
        % (number, number)
    )
    inbox.add(NOON, "crm@shop.example", (f"To-{number}@desk.example",), octets, size or len(octets))


@pytest.fixture
def inbox() -> SandboxInbox:
    return SandboxInbox()


async def found(client: httpx.AsyncClient, query: str = "") -> list[int]:
    return [each["id"] for each in await call(client, "GET", f"{MESSAGES}?{query}")]


async def test_a_message_is_told_with_its_verdict_and_the_way_to_its_decision(inbox: SandboxInbox) -> None:
    arrive(inbox, 1, closed=True)
    async with browser(application(sources(inbox=inbox))) as client:
        (told,) = await call(client, "GET", MESSAGES)
        one = await call(client, "GET", f"{MESSAGES}/1")
    assert told == {
        "id": 1,
        "received_at": NOON.isoformat(),
        "message_id": "order-1@crm.example",
        "reverse_path": "crm@shop.example",
        "forward_paths": ["To-1@desk.example"],
        "verdict": "auto-closed",
        "reason": "outbound-copy",
        "channel": "support",
        "decision": "6A-1",
        "subject": "Order 1",
        "from": "Jörg <support@company.com>",
        "to": "anna@x.example",
        "size": one["size"],
        "stamp": STAMP.decode().splitlines(),
    }
    assert one.pop("content").endswith("\r\n\r\nHello\r\n")
    assert one.pop("whole") is True
    assert one == told


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [3, 2, 1]),
        ("message_id=order-2@crm.example", [2]),
        ("message_id=%3Corder-2@crm.example%3E", [2]),
        ("message_id=order", []),
        ("rcpt_to=to-3@DESK.example", [3]),
        ("rcpt_to=o-3@desk.example", []),
        ("subject=ORDER+1", [1]),
        ("verdict=auto-closed", [2]),
        ("verdict=open", [3, 1]),
        ("after=1", [3, 2]),
        ("before=3", [2, 1]),
        ("limit=2", [3, 2]),
        ("after=1&verdict=open", [3]),
    ],
)
async def test_each_filter_finds_what_is_meant(inbox: SandboxInbox, query: str, ids: list[int]) -> None:
    for number in (1, 2, 3):
        arrive(inbox, number, closed=number == 2)
    async with browser(application(sources(inbox=inbox))) as client:
        assert await found(client, query) == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [("", [1]), ("message_id=order-3@crm.example", [3]), ("count=2", [2, 1]), ("after=2", [3])],
)
async def test_who_waits_is_answered_as_soon_as_enough_of_it_is_there(
    inbox: SandboxInbox, query: str, ids: list[int]
) -> None:
    async with browser(application(sources(inbox=inbox))) as client:
        waiting = asyncio.create_task(found(client, f"wait=60&{query}"))
        for number in (1, 2, 3):
            for _ in range(20):
                await asyncio.sleep(0)
            if waiting.done():
                break
            arrive(inbox, number)
        assert await asyncio.wait_for(waiting, 20) == ids


async def test_what_is_there_already_is_not_waited_for(inbox: SandboxInbox) -> None:
    arrive(inbox, 1)
    async with browser(application(sources(inbox=inbox))) as client:
        assert await asyncio.wait_for(found(client, "wait=60"), 20) == [1]


async def test_when_the_time_is_over_there_is_only_so_much(inbox: SandboxInbox) -> None:
    arrive(inbox, 1)
    async with browser(application(sources(inbox=inbox))) as client:
        assert await found(client, "wait=1&count=2") == [1]
        assert await found(client, "wait=1&verdict=auto-closed") == []
        await call(client, "GET", f"{MESSAGES}?wait=61", 422)


async def test_of_a_long_message_the_beginning_is_shown_and_octets_that_are_no_text_are_replaced(
    inbox: SandboxInbox,
) -> None:
    inbox.add(NOON, "", ("a@x.example",), b"Subject: \xff\x1b\r\n\r\n" + b"x" * OCTETS_KEPT, 90_000)
    async with browser(application(sources(inbox=inbox))) as client:
        told = await call(client, "GET", f"{MESSAGES}/1")
        await call(client, "GET", f"{MESSAGES}/2", 404)
    assert (told["whole"], len(told["content"])) == (False, OCTETS_KEPT)
    assert told["content"].startswith("Subject: \ufffd\x1b\r\n")


@pytest.mark.parametrize(
    ("place", "user", "code"),
    [
        ("127.0.0.1:8025", None, 204),
        ("127.0.0.1:8025", "reader", 204),
        (ELSEWHERE, None, 401),
        (ELSEWHERE, "reader", 403),
        (ELSEWHERE, "operator", 204),
    ],
)
async def test_clearing_is_for_this_machine_and_for_who_may_operate(
    inbox: SandboxInbox, place: str, user: str | None, code: int
) -> None:
    arrive(inbox, 1)
    async with browser(application(sources(settings(web=place), inbox=inbox)), place) as client:
        await call(client, "DELETE", MESSAGES, code, headers=basic(user) if user else {})
    assert len(inbox) == (0 if code == 204 else 1)


async def test_a_session_has_to_bring_its_token_to_clear(inbox: SandboxInbox) -> None:
    arrive(inbox, 1)
    async with browser(application(sources(inbox=inbox))) as client:
        await log_in(client, "reader", PASSWORDS["reader"])
        await call(client, "DELETE", MESSAGES, 403)
        token = (await call(client, "GET", "/session"))["csrf_token"]
        await call(client, "DELETE", MESSAGES, 204, headers={"x-csrf-token": token})
    assert len(inbox) == 0


async def test_another_website_cannot_clear_it(inbox: SandboxInbox) -> None:
    arrive(inbox, 1)
    async with browser(application(sources(inbox=inbox))) as client:
        answer = await client.delete(PLACE + MESSAGES, headers={"origin": "https://evil.example"})
    hold_against_document("DELETE", MESSAGES, answer)
    assert (answer.status_code, len(inbox)) == (403, 1)


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/1"), ("DELETE", "")])
async def test_where_the_helpdesk_is_a_real_one_there_is_no_sandbox(method: str, path: str) -> None:
    async with browser(application(sources())) as client:
        told: Any = await call(client, method, MESSAGES + path, 404)
    assert "real" in told["detail"]
