"""SMTP replies (RFC 5321 4.2, RFC 2034)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.reply import Reply, from_peer


@pytest.mark.parametrize(
    ("code", "kind"),
    [(220, "positive"), (354, "positive"), (421, "temporary"), (499, "temporary"), (500, "permanent"), (599, "permanent"), (199, ""), (600, ""), (0, "")],
)  # fmt: skip
def test_the_first_digit_says_what_a_reply_means(code: int, kind: str) -> None:
    reply = Reply(code, "", "x")
    assert [name for name in ("positive", "temporary", "permanent") if getattr(reply, name)] == [kind][
        : bool(kind)
    ]


@pytest.mark.parametrize(
    ("reply", "octets"),
    [
        (Reply(250, "2.0.0", "Ok"), b"250 2.0.0 Ok\r\n"),
        (Reply(354, "", "Go on"), b"354 Go on\r\n"),
        (Reply(250, "", "one\ntwo\nthree"), b"250-one\r\n250-two\r\n250 three\r\n"),
        (Reply(550, "5.7.1", "a\nb"), b"550-5.7.1 a\r\n550 5.7.1 b\r\n"),
        (Reply(250, "", ""), b"250 \r\n"),
        (Reply(550, "5.1.1", "näh\r\x00\x7f!"), b"550 5.1.1 n?h?!\r\n"),
    ],
)
def test_a_reply_is_written_line_by_line_in_printable_ascii(reply: Reply, octets: bytes) -> None:
    assert reply.encode() == octets


@given(st.text(), st.sampled_from(["", "5.7.1", "4.999.999"]))
def test_no_text_breaks_the_form_of_a_reply(text: str, enhanced: str) -> None:
    lines = Reply(451, enhanced, text * 40).encode().split(b"\r\n")
    assert lines.pop() == b""
    assert 1 <= len(lines) <= 20
    assert all(len(line) + 2 <= 512 for line in lines)
    assert all(re.fullmatch(rb"451-[ -~]*", line) for line in lines[:-1])
    assert re.fullmatch(rb"451 [ -~]*", lines[-1])


def test_a_reply_as_text_is_one_line() -> None:
    assert str(Reply(550, "5.1.1", "a\nb")) == "550 5.1.1 a / b"
    assert str(Reply(354, "", "Go on")) == "354 Go on"


@pytest.mark.parametrize(
    ("code", "lines", "expected"),
    [
        (250, [b"2.1.5 Ok"], Reply(250, "2.1.5", "Ok")),
        (550, [b"5.1.1 No such user", b"5.1.1 here"], Reply(550, "5.1.1", "No such user\nhere")),
        (550, [b"5.1.1 No such user", b"here"], Reply(550, "5.1.1", "No such user\nhere")),
        (250, [b"2.0.0"], Reply(250, "2.0.0", "")),
        (250, [b"Ok"], Reply(250, "2.0.0", "Ok")),
        (450, [b"busy"], Reply(450, "4.0.0", "busy")),
        (550, [b"no"], Reply(550, "5.0.0", "no")),
        (550, [b"4.1.1 no"], Reply(550, "5.0.0", "no")),
        (354, [b"go on"], Reply(354, "", "go on")),
        (250, [b"2.1.5.6 Ok"], Reply(250, "2.0.0", "2.1.5.6 Ok")),
        (250, [b"2.1.5Ok"], Reply(250, "2.0.0", "2.1.5Ok")),
        (550, [b"n\xc3\xa4h\r\x00\t!"], Reply(550, "5.0.0", "n?h?!")),
        (250, [], Reply(250, "2.0.0", "")),
        (199, [b"x"], Reply(199, "", "x")),
    ],
)
def test_what_another_server_said_is_taken_apart(code: int, lines: list[bytes], expected: Reply) -> None:
    assert from_peer(code, lines) == expected


@given(st.sampled_from([250, 354, 451, 550]), st.lists(st.binary(max_size=60), max_size=4))
def test_what_another_server_said_is_fit_to_be_passed_on(code: int, lines: list[bytes]) -> None:
    reply = from_peer(code, lines)
    assert reply.encode().isascii()
    assert not reply.enhanced or reply.enhanced[0] == str(code)[0]
