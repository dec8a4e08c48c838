"""Receive a message's data: from the octets behind the 354 to a content, or to the reply that refuses it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relay.intake import replies
from relay.intake.content import ContentReader, has_more_received
from relay.intake.events import Cause
from relay.intake.limits import Memory
from relay.intake.stored import Keeper, StoredContent
from relay.intake.terms import Terms
from relay.mail.content import HeldContent
from relay.mail.reply import Reply

NextChunk = Callable[[], Awaitable[bytes]]
"""Returns octets as they come; nothing when the client is gone."""


@dataclass(frozen=True, slots=True)
class Received:
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
    next_chunk: NextChunk, terms: Terms, memory: Memory, *, normalise: bool
) -> Received | Unwanted | None:
    """Read data to its end; None when the client went away before it.  ``close`` what is received.

    What is refused is read on without being kept, because a client hears no reply before it has sent the final dot.
    """
    reader = ContentReader(normalise=normalise)
    keeper = Keeper(terms.folder, terms.limits.header_size, memory)
    refusal: tuple[Reply, Cause] | None = None
    try:
        while not reader.done:
            chunk = await next_chunk()
            if not chunk:
                return None
            octets = reader.feed(chunk)
            if refusal is None and (
                refusal := _refusal(reader, terms, normalise=normalise) or await _keep(keeper, octets)
            ):
                reader.skimming = True
                keeper.drop()
        if refusal is not None:
            return Unwanted(*refusal, reader.rest)
        content = await _content(keeper)
        if not isinstance(content, (HeldContent, StoredContent)):
            return Unwanted(*content, reader.rest)
    finally:
        keeper.drop()
    if has_more_received(content.head, terms.limits.received):
        close(content, memory)
        return Unwanted(replies.TOO_MANY_HOPS, Cause.RECEIVED, reader.rest)
    return Received(content, reader.bare, reader.rest)


def close(content: HeldContent | StoredContent, memory: Memory) -> None:
    """Give back what a content holds."""
    if isinstance(content, StoredContent):
        content.close()
    else:
        memory.held -= content.size


def _refusal(reader: ContentReader, terms: Terms, *, normalise: bool) -> tuple[Reply, Cause] | None:
    if reader.bare and not normalise:
        return replies.BARE_NEWLINES, Cause.BARE_NEWLINES
    if terms.limits.message_size and reader.size > terms.limits.message_size:
        return replies.TOO_BIG, Cause.MESSAGE_SIZE
    return None


async def _keep(keeper: Keeper, octets: bytes) -> tuple[Reply, Cause] | None:
    try:
        await keeper.keep(octets)
    except OSError:
        return replies.NO_ROOM, Cause.NO_ROOM
    return None


async def _content(keeper: Keeper) -> HeldContent | StoredContent | tuple[Reply, Cause]:
    try:
        return await keeper.content()
    except OSError:
        return replies.NO_ROOM, Cause.NO_ROOM
