"""A closed message that is kept for a while, so that its ticket can be opened again (``journal.keep_closed``).  Pure."""

from dataclasses import dataclass
from datetime import datetime

from relay.mail.address import Mailbox
from relay.mail.envelope import ForwardPath


@dataclass(frozen=True, slots=True)
class OpenWay:
    """A way to the helpdesk that the message took, and whom it would have been for if it had been open."""

    destination: str
    """As ``NewItem`` has it."""
    forward_paths: tuple[ForwardPath, ...]
    """As the next hop is told of an open ticket."""


@dataclass(frozen=True, slots=True)
class ToKeep:
    """What is known of a closed message besides its octets, which are kept as they were received."""

    ref: str
    """Of the decision."""
    author: Mailbox
    channel: str
    """The author's."""
    channel_address: Mailbox
    ways: tuple[OpenWay, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A closed message that is kept."""

    id: int
    content_id: int
    what: ToKeep
    size: int
    """Octets."""
    kept_at: datetime
    reopened_at: datetime | None = None
    """When the helpdesk was told to open the ticket again; None: it was not."""
    reopened_by: str = ""
