"""What people find a message by is the first field of its name, octet for octet; no question looks at it."""

from hypothesis import given

from relay.journal.hints import tool_of
from relay.mail.label import NO_LABEL, Label
from tests.samples import view
from tests.strategies import octets


def test_the_first_field_of_each_name_counts() -> None:
    seen = view(
        "Subject: one",
        "From: a@b.example",
        "SUBJECT: two",
        "Message-Id: <1@x>",
        "X-Mailer: CRM",
        "User-Agent: Mutt",
    )
    assert seen.label == Label(
        b" <1@x>\r", b" one\r", ((b"x-mailer", b" CRM\r"), (b"user-agent", b" Mutt\r"))
    )


def test_a_message_without_any_has_an_empty_label() -> None:
    assert view("From: a@b.example").label == NO_LABEL


@given(octets())
def test_no_octets_in_them_make_the_hint_at_a_tool_raise(value: bytes) -> None:
    tool_of(Label(value, value, ((b"x-mailer", value), (b"feedback-id", value))))
