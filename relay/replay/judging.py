"""Stored mail judged; a fault of ours is told and opens the ticket, and stops nothing."""

from collections.abc import Callable

from relay.channels import ChannelBook
from relay.judge import Verdict, judge
from relay.mail.envelope import Client, Known
from relay.mail.trace import Given, stored_view
from relay.mail.view import OUR_FAULT, MessageView, unread_view

Fault = Callable[[Exception], None]
"""Is told of a fault of ours."""

LARGEST_HEAD = 64 * 1024 * 1024
"""Octets of a header section that are read where a book has no limit."""


def limit_for(*books: ChannelBook | None) -> int:
    """Return how many octets of a header section have to be read so that each of ``books`` can judge."""
    sizes = [book.header_size for book in books if book is not None]
    return max(sizes) if all(sizes) else max(*sizes, LARGEST_HEAD)


def view_of(head: bytes, given: Given, limit: int, fault: Fault) -> MessageView:
    """Return the view of a stored message; see ``stored_view``."""
    try:
        return stored_view(head, given, limit=limit)
    except Exception as error:  # a supervisor: what we cannot read stays open
        fault(error)
        return unread_view(OUR_FAULT, (), Client(), Known())


def verdict_of(view: MessageView, book: ChannelBook, fault: Fault) -> Verdict:
    """Return the verdict of ``book``."""
    try:
        return judge(view, book)
    except Exception as error:  # a supervisor: what we cannot judge stays open
        fault(error)
        return judge(unread_view(OUR_FAULT, (), view.client, view.known), book)
