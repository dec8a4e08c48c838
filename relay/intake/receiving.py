"""Receive a message's data: from the octets behind the 354 to a content, or to the reply that refuses it."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from relay.intake import replies
from relay.intake.content import ContentReader, has_more_received
from relay.intake.events import Cause
from relay.intake.limits import Memory
from relay.intake.stored import PIECE, Keeper, StoredContent
from relay.intake.terms import Terms
from relay.mail.content import HeldContent
from relay.mail.reply import Reply

_Refusal = tuple[Reply, Cause]
_NO_ROOM = (replies.NO_ROOM, Cause.NO_ROOM)


class Giver(Protocol):
    """The client's end, as far as data is concerned."""

    async def next_chunk(self) -> bytes:
        """Return octets as they come; nothing when the client is gone."""
        ...

    def data_came(self, octets: int, *, last: bool) -> None:
        """Hear how many octets came, and whether they were the last."""
        ...


class Received(NamedTuple):
    """A whole content."""

    content: HeldContent | StoredContent
    bare: bool
    """It had bare CR or LF."""
    rest: bytes
    """What came behind the end of data."""


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The data was read to its end and is refused."""

    reply: Reply
    cause: Cause
    rest: bytes


async def receive(
    giver: Giver, terms: Terms, memory: Memory, *, normalise: bool
) -> Received | Unwanted | None:
    """Read data to its end; None when the client went away before it.  ``close`` what is received.

    What is refused is read on without being kept, because a client hears no reply before it has sent the final dot.
    """
    reader = ContentReader(normalise=normalise)
    chunk = await giver.next_chunk()
    if not chunk:
        return None
    octets = reader.feed(chunk)
    giver.data_came(len(chunk), last=reader.done)
    content: HeldContent | StoredContent | Unwanted | None
    if reader.done and len(octets) <= PIECE and _refusal(reader, terms) is None:  # most contents come at once
        memory.held += len(octets)
        content = HeldContent(octets, terms.limits.header_size)
    else:
        content = await _in_pieces(giver, reader, octets, terms, memory)
        if content is None or isinstance(content, Unwanted):
            return content
    if has_more_received(content.head, terms.limits.received):
        close(content, memory)
        return Unwanted(replies.TOO_MANY_HOPS, Cause.RECEIVED, reader.rest)
    return Received(content, reader.bare, reader.rest)


async def _in_pieces(
    giver: Giver, reader: ContentReader, octets: bytes, terms: Terms, memory: Memory
) -> HeldContent | StoredContent | Unwanted | None:
    """Go on from the first octets of a content to the end of the data."""
    keeper = Keeper(terms.folder, terms.limits.header_size, memory)
    try:
        refusal = await _taken(keeper, octets, reader, terms)
        while not reader.done:
            chunk = await giver.next_chunk()
            if not chunk:
                return None
            octets = reader.feed(chunk)
            giver.data_came(len(chunk), last=reader.done)
            refusal = refusal or await _taken(keeper, octets, reader, terms)
        content = refusal or await _content(keeper)
        return Unwanted(*content, reader.rest) if isinstance(content, tuple) else content
    finally:
        keeper.drop()


def close(content: HeldContent | StoredContent, memory: Memory) -> None:
    """Give back what a content holds."""
    if isinstance(content, StoredContent):
        content.close()
    else:
        memory.held -= content.size


def _refusal(reader: ContentReader, terms: Terms) -> _Refusal | None:
    if reader.bare and not reader.normalise:
        return replies.BARE_NEWLINES, Cause.BARE_NEWLINES
    if 0 < terms.limits.message_size < reader.size:
        return replies.TOO_BIG, Cause.MESSAGE_SIZE
    return None


async def _taken(keeper: Keeper, octets: bytes, reader: ContentReader, terms: Terms) -> _Refusal | None:
    """Keep ``octets``, or begin to skim."""
    refusal = _refusal(reader, terms)
    if refusal is None:
        try:
            await keeper.keep(octets)
        except OSError:
            refusal = _NO_ROOM
    if refusal is not None:
        reader.skimming = True
        keeper.drop()
    return refusal


async def _content(keeper: Keeper) -> HeldContent | StoredContent | _Refusal:
    try:
        return await keeper.content()
    except OSError:
        return _NO_ROOM
