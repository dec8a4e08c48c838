"""Which fields signatures cover is read off h=, whatever its spelling; nothing is verified."""

import re

import pytest

from relay.mail.signatures import covered
from tests.samples import head

OURS = re.compile(rb"x-ticket-status|x-ticket-why")


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("DKIM-Signature: v=1; h=from:x-ticket-status; b=x", ("X-Ticket-Status",)),
        ("dkim-signature : V=1;\r\n\tH = From :\r\n X-Ticket-STATUS ; b=x", ("X-Ticket-Status",)),
        ("DKIM-Signature: h=x-ticket-status", ("X-Ticket-Status",)),
        ("DKIM-Signature: v=1; h=from:to; b=x", ()),
        ("DKIM-Signature: v=1; h=from:x-ticket-why; b=x", ()),
        ("DKIM-Signature: v=1; bh=x-ticket-status; b=x", ()),
        ("DKIM-Signature: v=1; h=", ()),
        ("DKIM-Signature: \xff", ()),
        ("X-Other: h=x-ticket-status", ()),
    ],
)
def test_a_field_is_covered_that_is_there_and_that_a_signature_names(
    signature: str, expected: tuple[str, ...]
) -> None:
    assert covered(head(signature, "X-Ticket-Status: auto-closed", "From: a@b.example"), OURS) == expected


def test_one_signature_of_several_is_enough_and_a_field_is_named_once() -> None:
    signatures = ("DKIM-Signature: h=from; b=x", "DKIM-Signature: h=x-ticket-status; b=x")
    twice = ("X-Ticket-Status: a", "X-Ticket-Status: b")
    assert covered(head(*signatures, *twice), OURS) == ("X-Ticket-Status",)
