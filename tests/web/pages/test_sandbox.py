import datetime as dt

import pytest

from relay.sandbox.inbox import SandboxInbox
from relay.web.app import application
from tests.web.made import ELSEWHERE, PASSWORDS, browser, settings, sources
from tests.web.pages.reading import log_in, see, submit

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
STAMPED = (
    b"X-Ticket-Status: auto-closed\r\n"
    b"X-Ticket-Reason: outbound-copy; channel=support; id=6A-1; doubts=delivery-report\r\n"
    b"Received: from crm by relay.example with ESMTP id 6A-1; Sun, 1 Mar 2026 12:00:00 +0000\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <support@company.com>\r\nTo: alice@x.example\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nHello\r\n"
)


def inbox_of(*messages: bytes) -> SandboxInbox:
    inbox = SandboxInbox()
    for octets in messages:
        inbox.add(NOON, "crm@shop.example", ("in@desk.example",), octets, len(octets))
    return inbox


async def test_what_arrived_stands_on_the_first_page_with_verdict_reason_and_stamp() -> None:
    async with browser(application(sources(inbox=inbox_of(STAMPED)))) as client:
        page = await see(client, "/")
        assert (await see(client, "/sandbox")).text == page.text
    for words in (
        "Messages: 1.",
        "auto-closed Grüße",
        "Jörg <support@company.com> →to alice@x.example",
        "outbound copy outbound-copy",
        "Channel support",
        "<crm@shop.example> → in@desk.example",
        "X-Ticket-Status: auto-closed",
    ):
        assert words in page.text
    assert page.links["Why?"] == "/decision/6A-1"
    assert page.links["Grüße"] == "/message/1"


async def test_an_empty_inbox_says_what_will_stand_there() -> None:
    async with browser(application(sources(inbox=SandboxInbox()))) as client:
        assert "Nothing has arrived yet." in (await see(client, "/")).text


async def test_the_newest_stands_first_page_by_page() -> None:
    inbox = inbox_of(*(b"Subject: message %d\r\n\r\n" % number for number in range(120)))
    async with browser(application(sources(inbox=inbox))) as client:
        first = await see(client, "/sandbox")
        rest = await see(client, first.links["Older"])
        await see(client, "/sandbox?before=nonsense")
    names = [name for page in (first, rest) for name in page.links if name.startswith("message ")]
    assert names == [f"message {number}" for number in reversed(range(120))]


async def test_one_message_is_shown_as_text_in_which_everything_prints() -> None:
    octets = b"Subject: a\x1b[2J\r\n\r\n\tb\x00\xff\xe2\x80\xae\r\nc\rd"
    inbox = SandboxInbox()
    inbox.add(NOON, "", ("x@y.example",), octets, 100)
    async with browser(application(sources(inbox=inbox))) as client:
        answer = await client.get("/message/1")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.text.splitlines() == [
            "Message 1, 2026-03-01T12:00:00+00:00, 100 octets",
            "MAIL FROM:<>",
            "RCPT TO:<x@y.example>",
            "",
            "Subject: a\\x1b[2J",
            "",
            "    b\\x00\\udcff\\u202e",
            "c\\rd",
            f"[{100 - len(octets)} octets more are not kept.]",
        ]
        german = (await client.get("/message/1?lang=de")).text.splitlines()
        assert german[0] == "Nachricht 1, 2026-03-01T12:00:00+00:00, 100 Oktette"
        assert german[-1] == f"[{100 - len(octets)} Oktette mehr sind nicht aufbewahrt.]"
        await see(client, "/message/2", 404)
        await see(client, "/message/x", 404)


async def test_the_list_is_cleared_by_a_button_without_a_login_on_this_machine() -> None:
    inbox = inbox_of(STAMPED)
    async with browser(application(sources(inbox=inbox))) as client:
        form = (await see(client, "/")).form("/sandbox/clear")
        assert (await submit(client, form, token="x")).status_code == 403
        assert len(inbox) == 1
        answer = await submit(client, form)
        page = await see(client, answer.headers["location"])
    assert len(inbox) == 0
    assert "The list is empty now." in page.text


@pytest.mark.parametrize(("user", "code"), [(None, 401), ("reader", 403), ("operator", 403), ("both", 303)])
async def test_elsewhere_clearing_needs_who_may_operate(user: str | None, code: int) -> None:
    inbox = inbox_of(STAMPED)
    async with browser(application(sources(settings(web=ELSEWHERE), inbox=inbox)), ELSEWHERE) as client:
        token = (await see(client, "/login")).form("/login").fields["token"]
        if user:
            await log_in(client, user, PASSWORDS[user])
        if user == "both":
            token = (await see(client, "/")).form("/sandbox/clear").fields["token"]
        answer = await client.post("/sandbox/clear", data={"token": token})
    assert (answer.status_code, len(inbox)) == (code, 0 if code == 303 else 1)


async def test_without_a_sandbox_there_is_none() -> None:
    async with browser(application(sources())) as client:
        page = await see(client, "/sandbox", 404)
        assert "Sandbox" not in page.links
        await see(client, "/message/1", 404)
