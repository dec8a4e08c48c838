"""The queue: the objects of ``queue --json``.  Pure."""

from datetime import datetime
from typing import Annotated, Any, TypedDict

from relay.spool.item import State
from relay.web.api.shapes.words import Next


class QueueDepth(TypedDict):
    """How much is in the spool."""

    waiting: int
    held: int
    in_hand: Annotated[int, "Being delivered right now."]
    oldest_at: Annotated[datetime | None, "When the oldest that is not held was accepted."]


class Item(TypedDict):
    """One message on one way in the spool: the object of `queue list --json`."""

    id: int
    queue_id: str
    state: State
    in_hand: Annotated[bool, "Being delivered right now."]
    hop: Annotated[str, "`helpdesk`, `helpdesk:` and a channel, `elsewhere` or `reports`."]
    channel: Annotated[str | None, "The author's channel."]
    reason: Annotated[str | None, "The verdict's; null where nothing was judged."]
    reverse_path: Annotated[str, "Empty for the null reverse-path."]
    forward_paths: list[str]
    size: Annotated[int, "Octets."]
    accepted_at: datetime
    next_attempt_at: Annotated[datetime | None, "null while held."]
    attempts: int
    unknowns: Annotated[int, "Attempts after which nobody knows whether the next hop took it."]
    crashes: Annotated[int, "How often a relay ended while it was in hand."]
    last_reply: str


class Items(TypedDict):
    """A page of the queue, in the order of acceptance."""

    items: list[Item]
    depth: QueueDepth
    next: Next


class Retried(TypedDict):
    """What ``retry`` did."""

    retry: Annotated[int, "So many are due now."]


class Held(TypedDict):
    """What ``hold`` did."""

    hold: Annotated[int, "So many are held now."]


class Released(TypedDict):
    """What ``release`` did."""

    release: Annotated[int, "So many wait again."]


class Bounced(TypedDict):
    """What ``bounce`` did."""

    bounce: Annotated[int, "So many fail now."]


class Deleted(TypedDict):
    """What ``delete`` did."""

    delete: Annotated[int, "So many are gone."]


CHANGED: dict[str, Any] = {
    "retry": Retried,
    "hold": Held,
    "release": Released,
    "bounce": Bounced,
    "delete": Deleted,
}
"""What each verb answers."""
