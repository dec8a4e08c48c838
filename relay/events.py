"""Frozen values that say what happened; log, metrics and journal read them.  Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from relay.judge import Verdict
from relay.mail.envelope import Client, ForwardPath, ReversePath
from relay.mail.outcome import Outcome
from relay.mail.reply import Reply
from relay.mail.view import MessageView


class PathOutcome(NamedTuple):
    """One forward-path of a transaction, and what became of it while the client waited."""

    path: ForwardPath
    """As the client said it."""
    outcome: Outcome | None
    """None: nobody knows yet, because it waits in the spool or was left to an MTA."""
    told: ForwardPath | None = None
    """What the next hop was told, where ``forward_to`` changed it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A message of the helpdesk's, and what was found out about it."""

    view: MessageView
    verdict: Verdict
    ref: str
    """Unique among all decisions; what a link leads to."""
    broken_signatures: tuple[str, ...] = ()
    """Fields that had to be stripped although a signature of the message covers them."""


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
    judged: Judged | None
    """None where nothing of it was the helpdesk's."""
    next_hop: str
    reply: Reply
    """What the client was told."""
    seconds: float
    """From MAIL to that reply."""
    at: datetime
    """When it was given; aware."""
    outcomes: tuple[PathOutcome, ...] = ()
    """All that were asked for, those that were refused included."""
    waited: float | None = None
    """Seconds from the end of the content to that reply; None where an MTA gave it."""

    @property
    def verdict(self) -> Verdict | None:
        """None where nothing of it was the helpdesk's."""
        return self.judged.verdict if self.judged is not None else None


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
class ClosedNotKept:
    """A closed message went on its way, but its content could not be kept: its ticket cannot be opened again by us."""

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
    """Empty where a connection is not for one message alone."""
    words: str


@dataclass(frozen=True, slots=True)
class JournalTrouble:
    """The journal cannot be written or read now; what comes waits in memory, and mail goes on."""

    words: str


@dataclass(frozen=True, slots=True)
class JournalLost:
    """Entries will never be in the journal."""

    entries: int
    words: str


@dataclass(frozen=True, slots=True)
class BookTaken:
    """From now on it is this book by which messages are judged."""

    digest: str
    channels: int
    at: datetime
    again: bool
    """By a reload; the first one otherwise."""


@dataclass(frozen=True, slots=True)
class ReloadRefused:
    """A changed channels.yaml is not used; the log has what is wrong with it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DigestSent:
    """A channel's digest of one day is in the spool."""

    channel: str
    closed: int


@dataclass(frozen=True, slots=True)
class DigestTrouble:
    """A channel's digest cannot be made or sent now; it is tried again as long as its day lasts."""

    channel: str
    words: str


Event = (
    TransactionEnded
    | ForwardPathRefused
    | Fault
    | HopTrouble
    | SpoolTrouble
    | ClosedNotKept
    | JournalTrouble
    | JournalLost
    | BookTaken
    | ReloadRefused
    | DigestSent
    | DigestTrouble
)
Observe = Callable[[object], None]
"""Takes any event, here or of the package that declares it; returns at once and never raises."""
