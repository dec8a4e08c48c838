"""Our Received field (RFC 5321 4.4, RFC 3848, RFC 6531 4.3)."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.envelope import Client
from relay.mail.fields import read_header, unfold
from relay.mail.received import date_time, received_field

AT = datetime(2026, 1, 5, 10, 0, 7, tzinfo=UTC)


def received(client: Client, **keys: bool) -> bytes:
    return received_field(client, "relay.example", "id1", AT, **keys)


def test_the_field_says_from_whom_by_whom_how_and_when() -> None:
    assert received(Client(ip_address("192.0.2.5"), helo="crm.example")) == (
        b"Received: from crm.example ([192.0.2.5])\r\n\tby relay.example with ESMTP id id1;\r\n\tMon, 5 Jan 2026 10:00:07 +0000\r\n"
    )


def test_an_ipv6_client_is_written_as_an_address_literal() -> None:
    assert b"([IPv6:2001:db8::1])" in received(Client(ip_address("2001:db8::1"), helo="a"))


def test_a_client_without_an_address_has_none_written() -> None:
    assert received(Client(helo="a")).startswith(b"Received: from a\r\n\tby ")


@pytest.mark.parametrize(
    ("esmtp", "tls", "user", "smtputf8", "word"),
    [
        (False, False, None, False, b"SMTP"),
        (False, True, None, False, b"SMTP"),
        (True, False, None, False, b"ESMTP"),
        (True, True, None, False, b"ESMTPS"),
        (True, False, "u", False, b"ESMTPA"),
        (True, True, "u", False, b"ESMTPSA"),
        (True, False, None, True, b"UTF8SMTP"),
        (True, True, None, True, b"UTF8SMTPS"),
        (True, False, "u", True, b"UTF8SMTPA"),
        (True, True, "u", True, b"UTF8SMTPSA"),
    ],
)
def test_the_protocol_word_tells_tls_login_and_smtputf8(
    esmtp: bool, tls: bool, user: str | None, smtputf8: bool, word: bytes
) -> None:
    field = received(Client(helo="a", esmtp=esmtp, tls=tls, user=user), smtputf8=smtputf8)
    assert b" with " + word + b" id " in field


@pytest.mark.parametrize(
    "helo", ["", "a b", "a\r\nBcc: x", "a\x00", "müller", "(x)", "a;b", "x" * 256, "<a>"]
)
def test_what_looks_like_no_name_is_not_written(helo: str) -> None:
    assert received(Client(helo=helo)).startswith(b"Received: from unknown\r\n")


@pytest.mark.parametrize(
    "helo", ["a", "A-b.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_host", "x" * 255]
)
def test_names_and_address_literals_are_written(helo: str) -> None:
    assert received(Client(helo=helo)).startswith(f"Received: from {helo}\r\n".encode())


@given(st.text(), st.booleans())
def test_whatever_a_client_says_the_field_is_one_field(helo: str, smtputf8: bool) -> None:
    (row,) = read_header(received(Client(ip_address("192.0.2.5"), helo=helo), smtputf8=smtputf8)).rows
    assert row.name == b"Received"
    assert unfold(row.value).isascii()


@given(st.integers(0, 2**33), st.integers(-12 * 60, 14 * 60))
def test_a_time_reads_back_as_itself(seconds: int, minutes: int) -> None:
    aware = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes)))
    assert parsedate_to_datetime(date_time(aware)) == aware
