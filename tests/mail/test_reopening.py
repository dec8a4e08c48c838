"""The message that opens a ticket again: the original in it octet for octet, and what helpdesks find the ticket by."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage, Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.mail.content import HeldContent
from relay.mail.encoded_words import decoded, encoded
from relay.mail.reopening import LANGUAGES, Letter, Occasion, make_letter
from relay.stamp import reopened_stamp
from tests.samples import box
from tests.strategies import garbled, header_sections, octets

ORIGINAL = (
    b"Message-ID: <copy-1@crm.example>\r\nFrom: help@shop.example\r\nTo: anna@mail.example\r\n"
    b"Subject: Your order 4711\r\n\r\nHello Anna\r\n"
)
OCCASION = Occasion(
    hostname="relay.shop.example",
    ref="66A1B2-1F",
    author=box("help@shop.example"),
    channel=box("care@shop.example"),
    who="ops",
    closed_at=datetime(2026, 1, 5, 12, tzinfo=UTC),
    made_at=datetime(2026, 1, 6, 9, 30, tzinfo=UTC),
    boundary="b0undary",
    stamp=reopened_stamp("care", "66A1B2-1F"),
)
MODERN = email.policy.default.clone(linesep="\r\n")


def letter(original: bytes = ORIGINAL, **more: object) -> Letter:
    return make_letter(replace(OCCASION, **more), HeldContent(original), len(original))


def whole(made: Letter) -> bytes:
    return b"".join(made.chunks_from(0))


def attached(made: Letter) -> bytes:
    """Cut the attached message out by the boundary, as a reader without any idea of what is in it."""
    _, _, original, end = re.split(rb"\r\n--b0undary(?:--)?\r\n", whole(made))
    assert end == b""
    return original.partition(b"\r\n\r\n")[2]


def parsed(made: Letter) -> Message:
    message = email.message_from_bytes(whole(made))
    assert message.defects == []
    assert message.get_content_type() == "multipart/mixed"
    text, original = message.get_payload()
    assert text.get_content_type() == "text/plain"
    assert original.get_content_maintype() == "message"
    return message


def subject(made: Letter) -> str:
    return str(make_header(decode_header(parsed(made)["Subject"])))


def test_it_is_a_message_of_its_own_from_the_author_to_the_channel() -> None:
    message = parsed(letter())
    assert [*message.items()][:2] == [
        ("X-Ticket-Status", "open"),
        ("X-Ticket-Reason", "reopened; channel=care; id=66A1B2-1F"),
    ]
    assert (message["From"], message["To"]) == ("<help@shop.example>", "<care@shop.example>")
    assert message["Date"] == "Tue, 6 Jan 2026 09:30:00 +0000"
    assert message["Message-ID"] == "<66A1B2-1F.reopened@relay.shop.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [name for name in message if name.startswith("X-")] == [
        "X-Ticket-Status",
        "X-Ticket-Reason",
    ]


def test_it_answers_the_original_and_says_its_subject_again() -> None:
    message = parsed(letter())
    assert message["In-Reply-To"] == message["References"] == "<copy-1@crm.example>"
    assert message["Subject"] == "Re: Your order 4711"


def test_the_same_decision_makes_the_same_message_id() -> None:
    later = letter(made_at=datetime(2027, 1, 1, tzinfo=UTC), who="eve")
    assert parsed(later)["Message-ID"] == parsed(letter())["Message-ID"]


@given(st.one_of(octets(), header_sections(), garbled(), st.binary(max_size=500)))
@example(b"")
@example(b"\r\n")
@example(b"From anna Mon Jan  5\r\nSubject: x\r\n\r\n--b\r\n")
def test_the_original_is_in_it_octet_for_octet_whatever_it_is(original: bytes) -> None:
    made = letter(original)
    assert attached(made) == original
    assert len(whole(made)) == made.size
    assert made.is_8bit is not whole(made).isascii()


@given(header_sections(), st.text(max_size=80))
def test_pythons_own_reader_takes_the_original_out_as_it_was(head: bytes, body: str) -> None:
    lines = [line.strip(b"\r") + b"\r\n" for line in head.split(b"\n")]
    kept = rb"(?!Content-)[!-9;-~]+: [!-~][ -~]*\r\n"  # its writer changes what is neither here nor a part
    clean = b"".join(line for line in lines if re.fullmatch(kept, line))
    original = clean + b"\r\n" + re.sub("[\r\n]+", "\r\n", body).encode() + b"\r\n"
    message = email.message_from_bytes(whole(letter(original)))
    inner = message.get_payload()[1].get_payload(0)
    assert inner.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")) == original


@given(st.integers(0, 3000))
def test_it_is_read_from_any_octet_on(offset: int) -> None:
    made = letter(ORIGINAL * 10)
    assert b"".join(made.chunks_from(offset)) == whole(made)[offset:]


class Streamed:
    """A large original that is never in memory; says how much of it was held at once."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self.size = len(ORIGINAL) + pieces * 65_536

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        assert offset == 0
        yield ORIGINAL
        for _ in range(self._pieces):
            yield b"x" * 65_534 + b"\r\n"


def test_a_large_original_is_streamed() -> None:
    source = Streamed(1000)
    made = make_letter(OCCASION, source, source.size)
    assert made.size == sum(map(len, made.chunks_from(0)))
    assert max(map(len, made.chunks_from(0))) == 65_536
    assert made.head_is_whole
    assert len(made.head) < 2000


def test_a_header_section_that_comes_in_pieces_is_read() -> None:
    class Drops:
        def chunks_from(self, offset: int) -> Iterator[bytes]:
            return (ORIGINAL[number : number + 1] for number in range(offset, len(ORIGINAL)))

    made = make_letter(OCCASION, Drops(), len(ORIGINAL))
    assert parsed(made)["In-Reply-To"] == "<copy-1@crm.example>"
    assert attached(made) == ORIGINAL


@pytest.mark.parametrize(
    ("original", "kind", "encoding"),
    [
        (ORIGINAL, "message/rfc822", None),
        (ORIGINAL + "Grüße\r\n".encode(), "message/rfc822", "8bit"),
        ("Subject: Größe\r\n\r\nHi\r\n".encode(), "message/global", "8bit"),
        ("Subject: Größe\r\n\r\nHi\r\n".encode("latin-1"), "message/rfc822", "8bit"),
    ],
)
def test_octets_outside_ascii_are_declared(original: bytes, kind: str, encoding: str | None) -> None:
    made = letter(original)
    message = parsed(made)
    part = message.get_payload()[1]
    assert part.get_content_type() == kind
    assert part["Content-Transfer-Encoding"] == message["Content-Transfer-Encoding"] == encoding
    assert part.get_filename() == "original.eml"
    assert not made.smtputf8


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Your order", "Re: Your order"),
        (b"RE: Your order", "RE: Your order"),
        (b"Re[2]: Your order", "Re[2]: Your order"),
        (b"Reorder", "Re: Reorder"),
        (b"AW: Ihre Bestellung", "Re: AW: Ihre Bestellung"),
        (b"[Ticket#1]  two  blanks", "Re: [Ticket#1]  two  blanks"),
        (b"=?utf-8?b?R3LDtsOfZQ==?=\r\n =?utf-8?q?_4711?=", "Re: Größe 4711"),
        (b"\r\n folded\r\n\tand folded", "Re: folded and folded"),
        ("Größe 4711".encode(), "Re: Größe 4711"),
        ("Größe".encode("latin-1"), "Re: Gr??e"),
        ("Preis: 5 € ".encode() * 30, "Re: " + ("Preis: 5 € " * 30).strip()),
        (b"", "Re: (no subject)"),
        (b"bell \x07 rings", "Re: bell ? rings"),
        (b"x" * 5000, "Re: " + "x" * 900),
        (b"Your order\r\n   \r\n 4711", "Re: Your order 4711"),
    ],
)
def test_the_subject_reads_as_it_did(value: bytes, expected: str) -> None:
    made = letter(b"Subject: " + value + b"\r\n\r\nHi\r\n")
    found = subject(made)
    assert " ".join(found.split()) == " ".join(expected.split())
    assert max(map(len, made.head.split(b"\r\n"))) <= 998


def test_a_clean_subject_keeps_its_folds() -> None:
    """Readers unfold in more than one way; whichever they take, it reads as the original did."""
    made = letter(b"Subject: =?utf-8?q?a?=\r\n\t=?utf-8?q?b?=\r\n  c\r\n\r\nHi\r\n")
    assert b"\r\nSubject: Re: =?utf-8?q?a?=\r\n\t=?utf-8?q?b?=\r\n  c\r\n" in made.head


@pytest.mark.parametrize(
    ("fields", "reply_to", "references"),
    [
        (b"Message-ID: <1@a>\r\nReferences: <x@a> <y@a>\r\n", "<1@a>", "<x@a> <y@a> <1@a>"),
        (b"Message-ID: <1@a>\r\nIn-Reply-To: <x@a>\r\n", "<1@a>", "<x@a> <1@a>"),
        (b"Message-ID: <1@a>\r\nIn-Reply-To: <x@a> <y@a>\r\n", "<1@a>", "<x@a> <1@a>"),
        (b"Message-ID: <1@a>\r\nReferences: <1@a>\r\n", "<1@a>", "<1@a>"),
        (b"Message-ID:\r\n <1@a> (comment)\r\nmessage-id: <2@a>\r\n", "<1@a>", "<1@a>"),
        (b"Message-ID: 1@a\r\nReferences: <x@a>\r\n", None, None),
        (b"References: <x@a>\r\n", None, None),
        ("Message-ID: <ü@a>\r\n".encode(), None, None),
        (b"Message-ID: <1@a>\r\nReferences: " + b" ".join(b"<%d@a>" % n for n in range(100)) + b"\r\n", "<1@a>",
         " ".join(["<0@a>", *(f"<{n}@a>" for n in range(82, 100)), "<1@a>"])),
    ],
)  # fmt: skip
def test_the_thread_is_the_originals(fields: bytes, reply_to: str | None, references: str | None) -> None:
    message = parsed(letter(fields + b"\r\nHi\r\n"))
    assert message["In-Reply-To"] == reply_to
    assert (message["References"] and " ".join(message["References"].split())) == references


def test_an_address_outside_ascii_needs_smtputf8() -> None:
    made = letter(author=box("jörg@shop.example"))
    assert made.smtputf8
    assert made.is_8bit
    assert b"\r\nFrom: <j\xc3\xb6rg@shop.example>\r\n" in made.head


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_says_who_wants_it_and_where_the_decision_is(language: str) -> None:
    message = email.message_from_bytes(
        whole(letter(who="Jörg\r\nBcc: eve", language=language)), policy=MODERN
    )
    assert isinstance(message, EmailMessage)
    text = message.get_body()
    assert text is not None
    words = text.get_content()
    assert {"en": "wants this ticket", "de": "möchte, dass dieses Ticket"}[language] in words
    assert "Jörg Bcc: eve" in words
    for fact in ("2026-01-05 12:00", "care@shop.example", "66A1B2-1F", "relay.shop.example"):
        assert fact in words


@given(st.text(max_size=200))
def test_encoded_words_read_as_what_was_written(text: str) -> None:
    words = encoded(text)
    assert all(len(word) <= 75 for word in words)
    assert decoded(" ".join(words)) == text
