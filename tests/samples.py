"""Small messages, views and books that tests of the rule are written with."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from relay.channels import Channel, ChannelBook, Networks, Platform, Rule
from relay.judge import Verdict, judge
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import Client, Known
from relay.mail.view import MessageView, make_view

CARE = "care@shop.example"
ANNA = "anna@mail.example"
OUTSIDE = ip_address("198.51.100.7")


def box(text: str) -> Mailbox:
    """Return a mailbox that is certainly one."""
    address = parse_mailbox(text)
    assert address is not None, text
    return address


def networks(*texts: str) -> Networks:
    return Networks(map(ip_network, texts))


def head(*fields: str | bytes, end: bytes = b"\r\n") -> bytes:
    """Return a header section of ``fields``, with its empty line."""
    lines = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(line + end for line in (*lines, b""))


def view(
    *fields: str | bytes,
    rcpt_to: Iterable[str] = (),
    client: Client | None = None,
    known: Known | None = None,
    limit: int = 0,
) -> MessageView:
    """Return the view of a message with ``fields``."""
    return make_view(
        head(*fields), map(box, rcpt_to), client or Client(OUTSIDE), known or Known(), limit=limit
    )


def author_of(value: str | bytes) -> tuple[str | None, str | None]:
    """Return who a From field names, and the name of the fault if nobody."""
    octets = value.encode() if isinstance(value, str) else value
    seen = view(b"From: " + octets)
    return (str(seen.author) if seen.author else None, seen.author_fault.name if seen.author_fault else None)


CARE_CHANNEL = Channel(
    "care", box(CARE), also=(box("hello@shop.example"),), inbound=(box("in-1@desk.example"),)
)
ORDERS_CHANNEL = Channel("orders", box("orders@shop.example"))


def book(*channels: Channel, **keys: object) -> ChannelBook:
    """Return the book of ``channels``, by default care and orders."""
    return ChannelBook(channels or (CARE_CHANNEL, ORDERS_CHANNEL), **keys)  # type: ignore[arg-type]


BOOK = book(platform=Platform(networks("192.0.2.0/28"), frozenset({"desk"})))


def rule(**keys: object) -> Rule:
    return Rule(**keys)  # type: ignore[arg-type]


def judged(*fields: str | bytes, by: ChannelBook = BOOK, **keys: object) -> Verdict:
    """Return the verdict on a message with ``fields``."""
    return judge(view(*fields, **keys), by)  # type: ignore[arg-type]
