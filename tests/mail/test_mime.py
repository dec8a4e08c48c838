"""Fields of free text that we write are read again as they were meant."""

import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from relay.mail.mime import WIDTH, printable, text_field


def read_again(octets: bytes) -> str:
    return str(email.message_from_bytes(octets + b"\r\n", policy=email.policy.default)["Subject"])


def test_plain_text_stays_plain():
    assert text_field("Subject", "care: 2 tickets closed") == b"Subject: care: 2 tickets closed\r\n"


def test_a_long_text_that_is_not_ascii_is_encoded_in_words_that_each_fit_on_a_line():
    text = "Ärger über öde Überschriften " * 9
    octets = text_field("Subject", text)
    assert octets.isascii()
    assert all(len(line) <= WIDTH for line in octets.split(b"\r\n"))
    assert read_again(octets) == text


@given(st.text(max_size=100))
def test_any_text_becomes_one_field_that_reads_as_what_prints_of_it(text: str):
    octets = text_field("Subject", text)
    assert octets.isascii()
    assert octets.replace(b"\r\n\t", b" ").count(b"\r\n") == 1
    if not text.isascii():
        expected = printable(text, utf8=True).encode(errors="replace").decode()
        assert read_again(octets).split() == expected.split()
