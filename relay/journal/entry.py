"""One decision as the journal keeps it: everything that was seen and found, never content.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from relay.events import PathOutcome, TransactionEnded
from relay.journal.hints import tool_of
from relay.judge import Reason, Verdict
from relay.mail.encoded_words import decoded
from relay.mail.fields import text_on_one_line
from relay.mail.outcome import Deferred, Delivered, Failed, Outcome, Unknown
from relay.mail.view import MessageView

LONGEST_TEXT = 998
"""Characters that are kept of a Message-ID, a Subject, a hint; the longest line that RFC 5322 2.1.1 allows."""


class Entrance(StrEnum):
    """By which door a message came."""

    SMTP = "smtp"
    MILTER = "milter"


class PathState(StrEnum):
    """What is known of one forward-path."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    """In the spool, not tried yet."""
    HELD = "held"
    """In the spool, until the operator says what becomes of it."""
    LEFT = "left"
    """To the MTA beside which the milter runs."""


@dataclass(frozen=True, slots=True)
class PathEntry:
    """What became of one forward-path."""

    path: str
    """As the client said it."""
    state: PathState
    words: str = ""
    """The reply, or what was wrong."""
    hop: str = ""
    """Who said so; empty where we did."""
    told: str | None = None
    """What the next hop was told, where ``forward_to`` changed it."""
    at: datetime | None = None
    """When, if that was after the client was answered."""


@dataclass(frozen=True, slots=True)
class Later:
    """What became of forward-paths after their client was answered; each has its time."""

    queue_id: str
    paths: tuple[PathEntry, ...]


@dataclass(frozen=True, slots=True)
class Reopening:
    """The helpdesk was told to open the ticket again."""

    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One judged message.  Text in it is the network's: never show or log it raw (``visible``, ``unicode_text``)."""

    at: datetime
    """When the client was answered; aware."""
    ref: str
    """Unique among all decisions; by SMTP the queue id."""
    queue_id: str
    """Ours, or by milter the MTA's."""
    entrance: Entrance
    reverse_path: str
    size: int
    """Octets of content; by milter what SIZE= declared, or the header section's."""
    view: MessageView
    """Its label is not kept: what is needed of it stands below."""
    verdict: Verdict
    """Its ``channel`` has the addresses that it had then, and nothing else of its settings."""
    reply: str
    """What the client was told."""
    next_hop: str
    seconds: float
    """From MAIL to the reply."""
    paths: tuple[PathEntry, ...] = ()
    message_id: str = ""
    """Without angle brackets."""
    subject: str | None = None
    """Encoded words decoded; None where it is not kept."""
    tool: str = ""
    """A hint at what sent it; anybody can write the fields that it is taken from."""
    broken_signatures: tuple[str, ...] = ()
    """Fields that were stripped although a signature covers them."""
    number: int = 0
    """Counts up in the order of writing; 0: not written yet."""
    reopened: Reopening | None = None

    @property
    def doubtful(self) -> bool:
        """The ticket was closed, or would have been by an observing channel, although there are doubts."""
        return bool(self.verdict.doubts) and self.would_close

    @property
    def would_close(self) -> bool:
        """The ticket was closed, or would have been by a channel that did more than observe."""
        return self.verdict.auto_closed or self.verdict.reason is Reason.OBSERVED


def entry_of(event: TransactionEnded, *, keep_subject: bool, later: Sequence[PathEntry] = ()) -> Entry | None:
    """Return the entry for a mail transaction; None where nothing of it was judged.

    ``later``: what became of its forward-paths since; the last word on each counts.
    """
    judged = event.judged
    if judged is None:
        return None
    label = judged.view.label
    milter = event.next_hop == Entrance.MILTER
    paths = tuple([path_entry(path, milter=milter) for path in event.outcomes])
    return Entry(
        at=event.at,
        ref=judged.ref,
        queue_id=event.queue_id,
        entrance=Entrance.MILTER if milter else Entrance.SMTP,
        reverse_path=event.reverse_path.text,
        size=event.size,
        view=judged.view,
        verdict=judged.verdict,
        reply=str(event.reply),
        next_hop=event.next_hop,
        seconds=event.seconds,
        paths=_updated(paths, later) if later else paths,
        message_id=_line(label.message_id).removeprefix("<").removesuffix(">"),
        subject=decoded(_line(label.subject)) if keep_subject and label.subject else None,
        tool=tool_of(label),
        broken_signatures=judged.broken_signatures,
    )


def with_paths(entry: Entry, later: Sequence[PathEntry]) -> Entry:
    """Return the entry with what became of its forward-paths later; the last word on each counts."""
    return replace(entry, paths=_updated(entry.paths, later))


def _updated(paths: Iterable[PathEntry], later: Sequence[PathEntry]) -> tuple[PathEntry, ...]:
    by_path = {path.path: path for path in later}
    by_told = {path.told or path.path: path for path in later}
    updated = []
    for path in paths:
        since = by_path.get(path.path) or by_told.get(path.told or path.path)
        if since is not None:
            updated.append(PathEntry(path.path, since.state, since.words, since.hop, path.told, since.at))
        else:
            updated.append(path)
    return tuple(updated)


def path_entry(path: PathOutcome, *, milter: bool = False, at: datetime | None = None) -> PathEntry:
    """Return what the journal keeps of one forward-path's outcome."""
    asked, outcome, target = path
    told = target.text if target is not None else None
    if outcome is None:
        return PathEntry(asked.text, PathState.LEFT if milter else PathState.WAITING, told=told, at=at)
    words = outcome.words if isinstance(outcome, Unknown) else str(outcome.reply)
    return PathEntry(asked.text, _STATES[type(outcome)], words[:LONGEST_TEXT], outcome.hop, told, at)


_STATES: dict[type[Outcome], PathState] = {
    Delivered: PathState.DELIVERED,
    Deferred: PathState.DEFERRED,
    Failed: PathState.FAILED,
    Unknown: PathState.UNKNOWN,
}


def _line(value: bytes) -> str:
    return text_on_one_line(value)[:LONGEST_TEXT]
