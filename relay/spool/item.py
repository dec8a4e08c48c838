"""What waits in the spool: one message on one way, and what is asked of it.  Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Protocol

from relay.mail.envelope import Client, ForwardPath, ReversePath

HELPDESK = "helpdesk"
"""The destination ``deliver.helpdesk``; a channel's own next hop is ``helpdesk:<channel>``."""
ELSEWHERE = "elsewhere"
"""The destination ``deliver.elsewhere``."""
REPORTS = "reports"
"""The destination ``deliver.reports``."""

CRASHES_AT_MOST = 3
"""So often may we end while an item is in hand; then it is a poison message and held."""
SUSPECT_AFTER = 2
"""After so many crashes an item is delivered with no other suspect beside it, so that the guilty one is found."""


def helpdesk_of(channel: str) -> str:
    """Return the destination that is a channel's own next hop."""
    return f"{HELPDESK}:{channel}"


class Octets(Protocol):
    """Where the octets below an item's head are kept; readable any number of times."""

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Yield the octets from ``offset`` of the received content on, in pieces of at most 256 KiB if they are many."""
        ...


@dataclass(frozen=True, slots=True)
class NewItem:
    """One message on one way.  Its octets are ``head`` and then the content from octet ``body_from`` on."""

    queue_id: str
    destination: str
    """A logical way, looked up in the settings at each attempt: ``helpdesk``, ``helpdesk:<channel>``, ..."""
    reverse_path: ReversePath
    forward_paths: tuple[ForwardPath, ...]
    """As the next hop is told."""
    client: Client
    head: bytes
    """Already stamped."""
    body_from: int
    not_before: datetime | None = None
    """Aware; None: at once."""
    unknown: bool = False
    """An attempt before the spool ended unknown."""
    originals: tuple[ForwardPath, ...] = ()
    """What the client said where ``forward_to`` changed it, one for each forward-path; empty: the same."""
    channel: str | None = None
    reason: str = ""
    """Of the verdict."""


class State(StrEnum):
    """Whether an item moves by itself."""

    WAITING = "waiting"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Item:
    """An item that is in the spool; see ``NewItem`` for the attributes of the same names."""

    id: int
    queue_id: str
    destination: str
    reverse_path: ReversePath
    forward_paths: tuple[ForwardPath, ...]
    """Those that are not done yet."""
    originals: tuple[ForwardPath, ...]
    """One for each forward-path, or empty."""
    client: Client
    body_from: int
    channel: str | None
    reason: str
    accepted_at: datetime
    next_attempt_at: datetime | None
    """When it was or is due; None while held."""
    attempts: int
    unknowns: int
    crashes: int
    """How often we ended while it was in hand, since an attempt last came to an end."""
    state: State
    in_hand: bool
    """A relay has claimed it."""
    bounced: bool
    """The operator wants it to fail."""
    warned: bool
    """The reverse-path was told of the delay."""
    last_reply: str
    size: int
    """Octets in all."""
    head: bytes | None = None
    octets: Octets | None = None
    """What stands below the head; it and ``head`` are None until the store has brought them to hand."""

    def chunks(self) -> Iterator[bytes]:
        """Yield all octets; only where the item is at hand (``Store.at_hand``)."""
        assert self.head is not None, "at_hand comes first"
        assert self.octets is not None, "at_hand comes first"
        return chain((self.head,) if self.head else (), self.octets.chunks_from(self.body_from))

    def original(self, index: int) -> ForwardPath:
        """Return what the client said in place of ``forward_paths[index]``."""
        return self.originals[index] if self.originals else self.forward_paths[index]


@dataclass(frozen=True, slots=True)
class Draw:
    """What a claim took."""

    items: Sequence[Item] = ()
    left: frozenset[str] = frozenset()
    """Destinations of which more may be due."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a claimed item."""

    gone: frozenset[int]
    """Indexes of the forward-paths that are done; with all of them the item is."""
    next_attempt_at: datetime | None = None
    """None holds what is left."""
    last_reply: str = ""
    attempted: bool = True
    unknown: bool = False
    """The attempt ended unknown."""
    warned: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are meant; what is None is not asked."""

    queue_id: str | None = None
    destination: str | None = None
    channel: str | None = None
    reason: str | None = None
    """The verdict's reason, or a part of the last reply."""
    accepted_before: datetime | None = None
    accepted_after: datetime | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is in the spool."""

    waiting: int = 0
    held: int = 0
    in_hand: int = 0
    """Claimed by a relay."""
    oldest_at: datetime | None = None
    """When the oldest that is not held was accepted."""
