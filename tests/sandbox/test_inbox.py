import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.sandbox.inbox import OCTETS_KEPT, Message, SandboxInbox, decoded

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
STAMPED = (
    b"X-Ticket-Status: auto-closed\r\n"
    b"X-Ticket-Reason: outbound-copy; channel=support; id=A-1; doubts=delivery-report\r\n"
    b"Received: from crm by relay.example with ESMTP id A-1;\r\n\tSun, 1 Mar 2026 12:00:00 +0000\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <support@company.example>\r\n"
    b"To: alice@x.example\r\n"
    b"Subject: =?utf-8?B?R3LDvMOf?=\r\n =?utf-8?B?ZQ==?=\r\n"
    b"\r\nHello\r\n"
)


def kept(octets: bytes, inbox: SandboxInbox | None = None) -> Message:
    inbox = SandboxInbox() if inbox is None else inbox
    return inbox.add(NOON, "crm@shop.example", ("in@desk.example",), octets, len(octets))


def test_a_message_is_kept_with_what_its_stamp_says() -> None:
    message = kept(STAMPED)
    assert (message.verdict, message.reason, message.channel) == ("auto-closed", "outbound-copy", "support")
    assert message.stamp == (
        "X-Ticket-Status: auto-closed",
        "X-Ticket-Reason: outbound-copy; channel=support; id=A-1; doubts=delivery-report",
    )
    assert (message.subject, message.author, message.to) == (
        "Grüße",
        "Jörg <support@company.example>",
        "alice@x.example",
    )
    assert (message.size, message.octets) == (len(STAMPED), STAMPED)


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        (b"", ("open", "", "")),
        (b"X-Ticket-Reason: foreign-author; id=A-1\r\n", ("open", "foreign-author", "")),
        (
            b"X-Ticket-Reason: self-addressed; channel=support; id=A-1\r\n",
            ("open", "self-addressed", "support"),
        ),
        (b"X-Ticket-Status: auto-closed\r\n", ("auto-closed", "", "")),
        (
            b"X-Zammad-Ticket-State: closed\r\nX-Ticket-Reason: outbound-copy\r\n",
            ("auto-closed", "outbound-copy", ""),
        ),
        (b"X-Ticket-Status: open\r\nX-Ticket-Reason: reopened\r\n", ("open", "reopened", "")),
    ],
)
def test_the_verdict_is_read_off_the_stamp(stamp: bytes, said: tuple[str, str, str]) -> None:
    message = kept(stamp + b"Received: by relay.example\r\nSubject: x\r\n\r\n")
    assert (message.verdict, message.reason, message.channel) == said


def test_fields_below_the_first_received_are_no_stamp() -> None:
    message = kept(b"Received: by relay.example\r\nX-Ticket-Status: auto-closed\r\n\r\n")
    assert (message.verdict, message.stamp) == ("open", ())
    assert kept(b"X-Ticket-Status: auto-closed\r\n\r\n").verdict == "open"


def test_the_newest_stands_first_and_the_oldest_goes_first() -> None:
    inbox = SandboxInbox(keep=3)
    for _ in range(5):
        kept(STAMPED, inbox)
    assert [message.id for message in inbox.messages()] == [5, 4, 3]
    assert inbox.get(2) is None
    assert inbox.get(4) is inbox.messages()[1]


def test_without_a_limit_all_are_kept_and_clearing_forgets_them() -> None:
    inbox = SandboxInbox(keep=0)
    for _ in range(20):
        kept(STAMPED, inbox)
    assert len(inbox) == 20
    inbox.clear()
    assert inbox.messages() == ()
    assert kept(STAMPED, inbox).id == 21


def test_only_the_beginning_of_a_large_message_is_kept() -> None:
    octets = STAMPED + b"x" * 100_000
    message = kept(octets)
    assert message.octets == octets[:OCTETS_KEPT]
    assert message.size == len(octets)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("=?iso-8859-1?Q?caf=E9_au_lait?=", "café au lait"),
        ("=?UTF-8?b?4pyT?= done", "✓ done"),
        ("=?utf-8*en?q?language?=", "language"),
        ("a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d"),
        ("=?utf-8?b?####?=", ""),
        ("=?utf-8?b?abc?=", "=?utf-8?b?abc?="),
        ("=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="),
        ("=?no-such?q?x?=", "=?no-such?q?x?="),
        ("=?hex?q?00?=", "=?hex?q?00?="),
        ("=?utf-8?x?x?=", "=?utf-8?x?x?="),
        ("=?", "=?"),
    ],
)
def test_encoded_words_are_read_where_they_can_be(text: str, shown: str) -> None:
    assert decoded(text) == shown


@given(st.binary(max_size=400))
def test_no_octets_make_the_inbox_raise_and_everything_shown_prints(octets: bytes) -> None:
    for message in (
        kept(octets),
        kept(b"Subject: =?utf-8?b?" + octets),
        kept(b"X-Ticket-Reason: " + octets + STAMPED),
    ):
        shown = (
            message.subject,
            message.author,
            message.to,
            message.verdict,
            message.reason,
            message.channel,
        )
        assert all(text.isprintable() for text in (*shown, *message.stamp))
        assert message.verdict in ("open", "auto-closed")


@pytest.mark.parametrize(
    ("reason", "ref"),
    [
        (b"foreign-author; id=6A-1", "6A-1"),
        (b"outbound-copy; channel=support; id=4bX_.-1", "4bX_.-1"),
        (b"foreign-author", ""),
        (b"foreign-author; id=../x", ""),
        (b"foreign-author; id=<b>", ""),
    ],
)
def test_a_decision_is_found_by_the_id_in_the_stamp(reason: bytes, ref: str) -> None:
    assert kept(b"X-Ticket-Reason: " + reason + b"\r\nReceived: x\r\n\r\n").decision == ref


@pytest.mark.parametrize("field", [b"<a-1@crm.example>", b" a-1@crm.example ", b"\r\n <a-1@crm.example>"])
def test_a_message_id_is_kept_without_its_brackets(field: bytes) -> None:
    assert kept(b"Message-ID: " + field + b"\r\n\r\n").message_id == "a-1@crm.example"
    assert kept(b"Subject: none\r\n\r\n").message_id == ""
