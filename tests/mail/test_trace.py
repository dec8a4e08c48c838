"""What a stored message tells of the transaction that it came in (docs/rule.md)."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.envelope import Client, HeaderState, Known, Source, plain_address
from relay.mail.trace import Given, Traced, stored_view, traced
from relay.mail.view import Evidence
from tests.samples import box, head
from tests.strategies import garbled, header_sections, octets

STORED = head(
    "Return-Path: <bounce@crm.example>",
    "Delivered-To: in-1@desk.example",
    "Received: from crm.example (crm.example [198.51.100.7])\r\n\tby mx.example; Mon, 5 Jan 2026 10:00:00 +0000",
    "Received: from inner ([10.0.0.1]) by crm.example; Mon, 5 Jan 2026 09:59:59 +0000",
    "From: care@shop.example",
    "To: anna@mail.example",
)


def test_the_trace_fields_of_a_stored_message_are_read() -> None:
    assert traced(STORED) == Traced(
        "bounce@crm.example", box("in-1@desk.example"), ip_address("198.51.100.7")
    )


def test_a_message_without_trace_fields_tells_nothing() -> None:
    assert traced(head("From: a@x")) == Traced(None, None, None)


def test_the_null_reverse_path_is_empty_and_not_unknown() -> None:
    assert traced(head("Return-Path: <>")).reverse_path == ""


@pytest.mark.parametrize("name", ["Delivered-To", "X-Original-To"])
@pytest.mark.parametrize("other", ["Delivered-To", "X-Original-To"])
def test_only_the_topmost_of_delivered_to_and_x_original_to_is_taken(name: str, other: str) -> None:
    assert traced(head(f"{name}: a@x", f"{other}: b@y")).forward_path == box("a@x")


@pytest.mark.parametrize("value", ["a@x, b@y", "nobody", "", "a@x b@y"])
def test_what_is_not_one_address_is_no_forward_path(value: str) -> None:
    assert traced(head(f"Delivered-To: {value}", "X-Original-To: a@x")).forward_path is None


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("from a (b [192.0.2.5]) by c; now", "192.0.2.5"),
        ("from a ([192.0.2.5]) by c; now", "192.0.2.5"),
        ("from [192.0.2.5] by c; now", "192.0.2.5"),
        ("from [192.0.2.5] (helo=a) by c; now", "192.0.2.5"),
        ("from [192.0.2.5] (port=1 helo=[10.0.0.1]) by c; now", "192.0.2.5"),
        ("from [10.0.0.1] (b [192.0.2.5]) by c; now", "192.0.2.5"),
        ("from a (b [IPv6:2001:db8::1]) by c; now", "2001:db8::1"),
        ("from a (b [ipv6:2001:db8::1]) by c; now", "2001:db8::1"),
        ("from a (b [2001:db8::1]) by c; now", "2001:db8::1"),
        ("from a (2001:db8::1) by c; now", "2001:db8::1"),
        ("from a (HELO b) (192.0.2.5) by c; now", "192.0.2.5"),
        ("from a (b [IPv6:::ffff:192.0.2.5]) by c; now", "192.0.2.5"),
        ("from mail.by (mail.by [192.0.2.5]) by c; now", "192.0.2.5"),
        ("FROM a\r\n (b\r\n [192.0.2.5])\r\n BY c; now", "192.0.2.5"),
        ("from a ([192.0.2.5])", "192.0.2.5"),
        ("from a ([999.0.2.5] [192.0.2.5]) by c", "192.0.2.5"),
        ("from a by c ([192.0.2.5]); now", None),
        ("by c ([192.0.2.5]) for a; now", None),
        ("from a; ([192.0.2.5])", None),
        ("from a (b [unknown]) by c", None),
        ("from a", None),
        ("", None),
    ],
)
def test_the_client_is_what_the_server_saw_and_not_what_the_client_said(
    received: str, expected: str | None
) -> None:
    address = traced(head(f"Received: {received}")).address
    assert (str(address) if address else None) == expected


def test_only_the_top_received_field_tells_the_client() -> None:
    assert traced(head("Received: by c; now", "Received: from a ([192.0.2.5]) by b; now")).address is None


def test_what_is_not_given_is_taken_from_the_trace() -> None:
    found = stored_view(STORED, Given())
    assert found.known == Known(Source.TRACE, Source.TRACE)
    assert found.client == Client(ip_address("198.51.100.7"))
    assert [(str(r.mailbox), r.where, r.evidence) for r in found.recipients if r.where == "envelope"] == [
        ("in-1@desk.example", "envelope", Evidence.ENVELOPE)
    ]


def test_what_is_neither_given_nor_traced_is_unknown() -> None:
    found = stored_view(head("From: a@x"), Given())
    assert (found.known, found.client) == (Known(Source.UNKNOWN, Source.UNKNOWN), Client())


def test_given_forward_paths_take_the_place_of_the_traced_one() -> None:
    found = stored_view(STORED, Given(forward_paths=(box("a@x"), box("b@y"))))
    assert found.known == Known(Source.GIVEN, Source.TRACE)
    assert [str(r.mailbox) for r in found.recipients if r.where == "envelope"] == ["a@x", "b@y"]


def test_a_given_client_takes_the_place_of_the_traced_one() -> None:
    found = stored_view(STORED, Given(address=ip_address("192.0.2.5")))
    assert found.known == Known(Source.TRACE, Source.GIVEN)
    assert found.client == Client(ip_address("192.0.2.5"))


def test_a_given_login_leaves_the_traced_address() -> None:
    found = stored_view(STORED, Given(user="desk"))
    assert found.known.client is Source.GIVEN
    assert found.client == Client(ip_address("198.51.100.7"), user="desk")


def test_a_given_login_needs_no_address() -> None:
    assert stored_view(head("From: a@x"), Given(user="desk")).client == Client(None, user="desk")


def test_nothing_is_traced_in_a_header_section_over_the_limit() -> None:
    found = stored_view(STORED, Given(), limit=50)
    assert found.known == Known(Source.UNKNOWN, Source.UNKNOWN, HeaderState.CUT)


def test_a_large_body_hides_no_trace() -> None:
    found = stored_view(STORED + b"x" * 5000, Given(), limit=len(STORED))
    assert found.known == Known(Source.TRACE, Source.TRACE)


@given(st.one_of(octets(), garbled(), header_sections()))
def test_no_octets_make_the_trace_raise(content: bytes) -> None:
    stored_view(content, Given())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("::ffff:192.0.2.5", "192.0.2.5"),
        ("192.0.2.5", "192.0.2.5"),
        ("2001:db8::1", "2001:db8::1"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_mapped_address_is_the_ipv4_address_in_it(address: str, expected: str) -> None:
    assert plain_address(ip_address(address)) == ip_address(expected)
