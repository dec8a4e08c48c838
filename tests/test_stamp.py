"""From a verdict to header edits, and what a signature makes of them (docs/rule.md)."""

import base64
import re
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given

from relay.channels import ChannelBook
from relay.judge import Verdict, judge
from relay.mail.envelope import Client
from relay.mail.fields import HeaderEdit, edited, read_header
from relay.mail.view import MessageView, make_view
from relay.stamp import StampRules, stamp, stamp_rules, without_stamp
from tests import strategies
from tests.samples import BOOK, OUTSIDE, judged

COPY = judged("From: care@shop.example", "To: anna@mail.example")
CUSTOMER = judged("From: anna@mail.example", "To: care@shop.example")
DOUBTFUL = judged("From: care@shop.example", "To: orders@shop.example", "Reply-To: anna@mail.example")
ITSELF = judged("From: care@shop.example", "To: care@shop.example")
NOBODY = judged("To: anna@mail.example")


@pytest.mark.parametrize(
    ("verdict", "queue_id", "inserted"),
    [
        (
            COPY,
            "q1",
            [("X-Ticket-Status", "auto-closed"), ("X-Ticket-Reason", "outbound-copy; channel=care; id=q1")],
        ),
        (COPY, "", [("X-Ticket-Status", "auto-closed"), ("X-Ticket-Reason", "outbound-copy; channel=care")]),
        (CUSTOMER, "q1", [("X-Ticket-Reason", "foreign-author; id=q1")]),
        (NOBODY, "", [("X-Ticket-Reason", "no-author")]),
        (ITSELF, "", [("X-Ticket-Reason", "self-addressed; channel=care; doubts=no-outside-recipient")]),
        (
            DOUBTFUL,
            "q1",
            [
                ("X-Ticket-Status", "auto-closed"),
                (
                    "X-Ticket-Reason",
                    "outbound-copy; channel=care; id=q1; doubts=no-outside-recipient,reply-to-outsider",
                ),
            ],
        ),
    ],
)
def test_a_stamp_says_status_and_reason(
    verdict: Verdict, queue_id: str, inserted: list[tuple[str, str]]
) -> None:
    assert list(stamp(verdict, stamp_rules(), queue_id).inserted) == inserted


def test_a_link_stands_below_the_reason_where_the_decision_has_a_name() -> None:
    rules = stamp_rules(why=lambda ref: f"https://relay.example/why/{ref}?s=0123")
    link = ("X-Ticket-Why", "https://relay.example/why/r7?s=0123")
    assert stamp(COPY, rules, "q1", "r7").inserted[-1] == link
    assert stamp(CUSTOMER, rules, "q1", "r7").inserted[-1] == link
    assert stamp(COPY, rules, "q1") == stamp(COPY, stamp_rules(), "q1")
    assert stamp(COPY, stamp_rules(), "q1", "r7") == stamp(COPY, stamp_rules(), "q1")


def test_nobody_but_the_helpdesk_gets_a_link() -> None:
    assert without_stamp(stamp_rules(why=lambda ref: ref)).inserted == ()


def test_the_fields_are_those_that_the_rules_name() -> None:
    rules = stamp_rules((("X-A", "1"), ("X-B", "2")), (("X-C", "3"),), reason=False)
    assert stamp(COPY, rules).inserted == (("X-A", "1"), ("X-B", "2"))
    assert stamp(CUSTOMER, rules).inserted == (("X-C", "3"),)


def test_without_fields_and_reason_nothing_is_inserted() -> None:
    assert stamp(CUSTOMER, stamp_rules(reason=False)).inserted == ()


def removes(edit: HeaderEdit, name: str) -> bool:
    assert edit.removed is not None
    return edit.removed.fullmatch(name.lower().encode()) is not None


RULES = stamp_rules((("X-Closed", "yes"),), (("X-Opened", "yes"),), strip=("X-Spam-*", "Priority", "X-[a].b"))


@pytest.mark.parametrize("verdict", [COPY, CUSTOMER])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("X-Ticket-Status", True),
        ("X-Ticket-Reason", True),
        ("X-Ticket-Why", True),
        ("X-TICKET-WHY", True),
        ("X-Closed", True),
        ("X-Opened", True),
        ("X-Spam-Flag", True),
        ("X-Spam-", True),
        ("priority", True),
        ("X-[a].b", True),
        ("X-Ticket-Statuses", False),
        ("X-Ticket", False),
        ("X-Spam", False),
        ("My-X-Spam-Flag", False),
        ("Priority2", False),
        ("X-a.b", False),
        ("X-[a]xb", False),
        ("Bcc", False),
        ("From", False),
    ],
)
def test_every_name_of_the_stamp_is_removed_whatever_the_verdict(
    verdict: Verdict, name: str, expected: bool
) -> None:
    assert removes(stamp(verdict, RULES), name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bcc", True),
        ("BCC", True),
        ("Resent-Bcc", True),
        ("X-Ticket-Status", True),
        ("X-Spam-Flag", True),
        ("To", False),
        ("Cc", False),
    ],
)
def test_others_get_the_message_without_the_stamp_and_without_a_bcc_field(name: str, expected: bool) -> None:
    edit = without_stamp(RULES)
    assert edit.inserted == ()
    assert removes(edit, name) is expected


def test_the_bcc_field_stays_for_the_helpdesk() -> None:
    assert not removes(stamp(COPY, stamp_rules()), "Bcc")


@given(strategies.views(), strategies.books())
def test_whatever_the_message_the_stamp_is_plain_ascii_of_one_line(
    view: MessageView, by: ChannelBook
) -> None:
    for name, value in stamp(judge(view, by), stamp_rules(), "q1").inserted:
        assert re.fullmatch(r"[A-Za-z-]+", name)
        assert re.fullmatch(r"[a-z0-9=;, -]+", value)


@given(strategies.garbled(), strategies.books())
def test_no_forged_status_survives_and_a_status_says_what_was_judged(content: bytes, by: ChannelBook) -> None:
    verdict = judge(make_view(content, [], Client(OUTSIDE)), by)
    names = [row.name.lower() for row in read_header(stamped(content, verdict)).rows]
    assert names.count(b"x-ticket-status") == verdict.auto_closed
    assert names.count(b"x-ticket-reason") == 1
    assert names.count(b"x-ticket-why") == 0


def stamped(content: bytes, verdict: Verdict, rules: StampRules | None = None) -> bytes:
    received = b"Received: from a\r\n\tby b with ESMTP id q1;\r\n\tMon, 5 Jan 2026 10:00:00 +0000\r\n"
    replacement, replaced = edited(content, stamp(verdict, rules or stamp_rules(), "q1"), [received])
    return replacement + content[replaced:]


# --- signatures ----------------------------------------------------------------------------------

MESSAGE = (
    b"Received: from x by y; Mon, 5 Jan 2026 09:00:00 +0000\r\n"
    b"fRoM: Care\r\n <care@shop.example>\r\n"
    b"To: anna@mail.example,\r\n\tbob@mail.example\r\n"
    b"Subject:  two  blanks \r\n"
    b"\r\nbody  with blanks \r\n\r\n"
)


@cache
def key() -> tuple[bytes, bytes]:
    """Return a private key in PEM, and the TXT record that publishes it."""
    private = rsa.generate_private_key(65537, 1024)
    encoding, formats = serialization.Encoding, serialization.PrivateFormat
    pem = private.private_bytes(encoding.PEM, formats.TraditionalOpenSSL, serialization.NoEncryption())
    public = private.public_key().public_bytes(encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def signed(message: bytes, canonical: bytes, names: list[bytes]) -> bytes:
    signature = dkim.sign(
        message, b"s", b"shop.example", key()[0], canonicalize=(canonical, canonical), include_headers=names
    )
    return bytes(signature) + message


def verifies(message: bytes) -> bool:
    return bool(dkim.verify(message, dnsfunc=lambda name, timeout=5: key()[1]))


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
@pytest.mark.parametrize("verdict", [COPY, CUSTOMER], ids=["auto-closed", "open"])
@pytest.mark.parametrize(
    "names",
    [[b"from", b"to", b"subject"], [b"from", b"from", b"to", b"to", b"subject"], [b"from"]],
    ids=["usual", "oversigned", "from"],
)
def test_a_signature_that_verified_before_verifies_after(
    canonical: bytes, verdict: Verdict, names: list[bytes]
) -> None:
    before = signed(MESSAGE, canonical, names)
    assert verifies(before)
    assert verifies(stamped(before, verdict))


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
def test_a_signature_verifies_after_a_forged_field_that_it_does_not_cover_was_stripped(
    canonical: bytes,
) -> None:
    before = signed(MESSAGE, canonical, [b"from", b"to"])
    forged = b"X-Ticket-Status: auto-closed\r\n" + before.replace(
        b"Subject:", b"x-ticket-why : x\r\nSubject:"
    )
    after = stamped(forged, CUSTOMER)
    assert b"x-ticket-why" not in after
    assert verifies(after)


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
def test_a_signature_that_covers_an_absent_status_verifies_while_none_is_inserted(canonical: bytes) -> None:
    before = signed(MESSAGE, canonical, [b"from", b"to", b"x-ticket-status"])
    assert verifies(stamped(before, CUSTOMER))
    # Signing a field that is absent says that nobody may add one (RFC 6376 5.4.2): adding one breaks it.
    assert not verifies(stamped(before, COPY))


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
def test_stripping_wins_over_a_signature_that_covers_what_is_stripped(canonical: bytes) -> None:
    before = signed(b"X-Ticket-Status: auto-closed\r\n" + MESSAGE, canonical, [b"from", b"x-ticket-status"])
    after = stamped(before, CUSTOMER)
    assert b"X-Ticket-Status" not in after
    assert verifies(before)
    assert not verifies(after)


@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
def test_others_get_a_message_whose_signature_verifies_if_it_does_not_cover_bcc(canonical: bytes) -> None:
    before = signed(b"Bcc: secret@mail.example\r\n" + MESSAGE, canonical, [b"from", b"to"])
    replacement, replaced = edited(before, without_stamp(stamp_rules()))
    after = replacement + before[replaced:]
    assert b"secret" not in after
    assert verifies(after)


def test_a_message_is_judged_alike_before_and_after_it_was_stamped() -> None:
    before = judge(make_view(MESSAGE, [], Client(OUTSIDE)), BOOK)
    after = judge(make_view(stamped(MESSAGE, before), [], Client(OUTSIDE)), BOOK)
    assert (before.reason, before.recipients) == (after.reason, after.recipients)
