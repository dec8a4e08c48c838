"""Frozen values that say what happened; log, metrics and journal read them.  Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from relay.judge import Verdict
from relay.mail.envelope import Client, ReversePath
from relay.mail.reply import Reply


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """A mail transaction came to its end with a content, and was answered."""

    queue_id: str
    client: Client
    reverse_path: ReversePath
    forward_paths: int
    """Those that were accepted."""
    size: int
    """Octets of content as received."""
    verdict: Verdict | None
    """None where nothing of it was the helpdesk's."""
    next_hop: str
    reply: Reply
    """What the client was told."""
    seconds: float
    """From MAIL to that reply."""


@dataclass(frozen=True, slots=True)
class ForwardPathRefused:
    """A forward-path was refused or deferred, by us or by its next hop."""

    queue_id: str
    client: Client
    reverse_path: ReversePath
    forward_path: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class SpoolTrouble:
    """The spool could not keep a message, so its client was told to come back."""

    queue_id: str
    words: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A bug of ours, survived: the text is for the log alone."""

    where: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class HopTrouble:
    """A next hop broke off, was silent or could not be reached."""

    next_hop: str
    queue_id: str
    words: str


Event = TransactionEnded | ForwardPathRefused | Fault | HopTrouble | SpoolTrouble
Observe = Callable[[object], None]
"""Takes any event, here or of the package that declares it; returns at once and never raises."""
