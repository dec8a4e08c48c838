"""Entries to keep: made as the relay makes them, from a header section by way of an event."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count

from relay.channels import ChannelBook
from relay.events import Judged, PathOutcome, TransactionEnded
from relay.journal.entry import Entry, entry_of
from relay.judge import judge
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Delivered, Outcome
from relay.mail.reply import Reply
from relay.mail.view import MessageView, make_view
from tests.samples import BOOK, box, head

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TAKEN = Reply(250, "2.0.0", "ticket 4711")
AT_THE_DESK = Delivered(TAKEN, "smtp://desk:25")
_numbers = count(1)


def event(
    *fields: str | bytes,
    rcpt_to: tuple[str, ...] = ("in-1@desk.example",),
    mail_from: str = "bounce@crm.example",
    queue_id: str = "",
    ref: str = "",
    at: datetime = NOON,
    outcome: Outcome | None = AT_THE_DESK,
    next_hop: str = "smtp://desk:25",
    book: ChannelBook = BOOK,
    view: MessageView | None = None,
) -> TransactionEnded:
    queue_id = queue_id or f"Q{next(_numbers)}"
    client = Client(ip_address("198.51.100.7"), "crm.example")
    paths = [box(path) for path in rcpt_to]
    view = view or make_view(head(*fields), paths, client)
    return TransactionEnded(
        queue_id=queue_id,
        client=client,
        reverse_path=ReversePath(mail_from, box(mail_from) if mail_from else None),
        forward_paths=len(rcpt_to),
        size=1234,
        judged=Judged(view, judge(view, book), ref or queue_id),
        next_hop=next_hop,
        reply=TAKEN,
        seconds=0.25,
        at=at,
        outcomes=tuple(
            PathOutcome(ForwardPath(text, path), outcome) for text, path in zip(rcpt_to, paths, strict=True)
        ),
    )


def entry(*fields: str | bytes, keep_subject: bool = False, **more: object) -> Entry:
    made = entry_of(event(*fields, **more), keep_subject=keep_subject)  # type: ignore[arg-type]
    assert made is not None
    return made


def copy(number: int = 0, **more: object) -> Entry:
    """A message that is closed: a tool wrote to a customer."""
    return entry(
        "From: care@shop.example",
        f"To: anna{number}@mail.example",
        f"Message-ID: <copy-{number}@crm.example>",
        f"Subject: Your order {number}",
        "X-Mailer: CRM 9",
        **{"at": NOON + timedelta(minutes=number), **more},
    )


def customer(number: int = 0, **more: object) -> Entry:
    """A message that stays open: a customer wrote."""
    return entry(
        f"From: Bob <bob{number}@mail.example>",
        "To: care@shop.example",
        f"Message-ID: <ask-{number}@mail.example>",
        **{"at": NOON + timedelta(minutes=number), "rcpt_to": ("care@shop.example",), **more},
    )
