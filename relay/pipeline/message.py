"""What every mode does with a message: judge it, and write what goes out in place of its header section."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from relay.channels import ChannelBook
from relay.events import Fault
from relay.judge import Verdict, judge, wanted_signers
from relay.mail.address import Mailbox
from relay.mail.content import Content
from relay.mail.envelope import Client, HeaderState, Known
from relay.mail.fields import HeaderEdit, edited, edited_stream
from relay.mail.signatures import covered
from relay.mail.view import ALL_KNOWN, OUR_FAULT, MessageView, make_view, unread_view, with_proved
from relay.pipeline.seams import Means, Plan

PREPENDED_AT_MOST = 2048
"""Octets by which a message may grow on its way through us, for SIZE= (RFC 1870)."""


async def judged(
    plan: Plan, content: Content, evidence: Iterable[Mailbox], client: Client, means: Means
) -> tuple[MessageView, Verdict]:
    """Return what was seen and the verdict; a bug of ours on the way is reported, and opens the ticket."""
    book = plan.routes.book
    try:
        known = ALL_KNOWN if content.head_is_whole else Known(header=HeaderState.CUT)
        view = make_view(content.head, evidence, client, known, limit=plan.header_size)
        return await _proved(view, content, book, means)
    except Exception as error:  # a supervisor: what we cannot judge stays open
        means.observe(Fault("judging", error))
        view = unread_view(OUR_FAULT, (), client, Known())
        return view, judge(view, book)


async def _proved(
    view: MessageView, content: Content, book: ChannelBook, means: Means
) -> tuple[MessageView, Verdict]:
    """Judge, and verify signatures only where a valid one would change the verdict."""
    verdict = judge(view, book)
    wanted = wanted_signers(verdict, book)
    if not wanted or means.prove is None:
        return view, verdict
    view = with_proved(view, await means.prove(content, wanted))
    return view, judge(view, book)


def broken_signatures(content: Content, edit: HeaderEdit, sent: "Outgoing") -> tuple[str, ...]:
    """Return the stripped fields that a signature covers; nearly always nothing was stripped, and nothing is read."""
    if not sent.body_from or edit.removed is None:
        return ()
    return covered(content.head, edit.removed)


class EditedContent:
    """A content with a header section too large to hold, edited anew each time that it is read."""

    __slots__ = ("_content", "_edit", "_on_top", "size")

    def __init__(self, content: Content, edit: HeaderEdit, on_top: bytes) -> None:
        """Read ``content`` once, to know the size."""
        self._content = content
        self._edit = edit
        self._on_top = on_top
        self.size = sum(map(len, self.chunks_from(0)))

    @property
    def head(self) -> bytes:
        """Nothing: it is not held."""
        return b""

    @property
    def head_is_whole(self) -> bool:
        """It is not even held."""
        return False

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the edited octets from ``offset`` on."""
        for chunk in edited_stream(self._content.chunks_from(0), self._edit, [self._on_top]):
            if offset < len(chunk):
                yield chunk[offset:]
            offset = max(0, offset - len(chunk))


class Outgoing(NamedTuple):
    """A message as it leaves: ``head``, then the content from octet ``body_from`` on."""

    head: bytes
    body_from: int
    content: Content

    def chunks(self) -> Iterator[bytes]:
        """Yield all octets; may be called again."""
        return chain((self.head,), self.content.chunks_from(self.body_from))


def outgoing(content: Content, edit: HeaderEdit, received: bytes) -> Outgoing:
    """Apply ``edit`` to the header section, and put ``received`` below what it inserts."""
    if not content.head_is_whole:
        return Outgoing(b"", 0, EditedContent(content, edit, received))
    head, body_from = edited(content.head, edit, [received])
    return Outgoing(head, body_from, content)
