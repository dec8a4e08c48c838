"""What another book would change: two verdicts on one view side by side, and what differs first.  Pure."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from relay.judge import Disposition, Finding, Reason, Verdict
from relay.judge.explain import because
from relay.replay.tally import is_doubtful


class Ticket(StrEnum):
    """What would become of a ticket by another verdict."""

    CLOSED = "closed"
    OPENED = "opened"
    AS_IT_WAS = "as it was"
    """Only the reason or the channel would be another."""


@dataclass(frozen=True, slots=True)
class Change:
    """Two verdicts on one message that differ in what is stamped."""

    was: Verdict
    would_be: Verdict

    @property
    def ticket(self) -> Ticket:
        """What would become of the ticket."""
        if self.was.disposition is self.would_be.disposition:
            return Ticket.AS_IT_WAS
        return Ticket.CLOSED if self.would_be.auto_closed else Ticket.OPENED


@dataclass(frozen=True, slots=True)
class Why:
    """The first question that would be answered otherwise, with both answers; the message's own words in them are not safe to show."""

    question: str
    was: str
    would_be: str


def change(was: Verdict, would_be: Verdict) -> Change | None:
    """Return what would change: verdict, reason or channel; None if nothing would."""
    return None if _told(was) == _told(would_be) else Change(was, would_be)


def why(changed: Change) -> Why:
    """Return why: the first question with another answer, or at least with another fact behind it."""
    then = {finding.question: finding for finding in changed.was.findings}
    pairs = [(then[now.question], now) for now in changed.would_be.findings if now.question in then]
    first = next(
        (pair for pair in pairs if pair[0].holds is not pair[1].holds),
        next((pair for pair in pairs if _fact(pair[0]) != _fact(pair[1])), pairs[0]),
    )
    return Why(first[1].question, because(first[0]), because(first[1]))


Kind = tuple[Disposition, Reason]
"""A verdict and its reason."""


@dataclass(slots=True)
class Totals:
    """Counts what would change; as large as there are reasons and channels, not messages."""

    kinds: Counter[tuple[Kind, Kind]] = field(default_factory=Counter)
    """From what to what."""
    channels: Counter[tuple[str, Ticket]] = field(default_factory=Counter)
    """By the author's channel, by the new verdict or else by the old one; empty where the author is none."""
    doubtful: Counter[str] = field(default_factory=Counter)
    """Doubtful closings among the new verdicts, by channel."""

    def add(self, changed: Change) -> None:
        """Count one change."""
        was, would_be = changed.was, changed.would_be
        self.kinds[(was.disposition, was.reason), (would_be.disposition, would_be.reason)] += 1
        self.channels[_channel(would_be) or _channel(was), changed.ticket] += 1
        if is_doubtful(would_be):
            self.doubtful[_channel(would_be)] += 1

    def tickets(self, ticket: Ticket) -> int:
        """Return how many tickets that would become of."""
        return sum(number for (_, became), number in self.channels.items() if became is ticket)

    @property
    def messages(self) -> int:
        """How many messages would change."""
        return self.kinds.total()


def _told(verdict: Verdict) -> tuple[Disposition, Reason, str]:
    return verdict.disposition, verdict.reason, _channel(verdict)


def _channel(verdict: Verdict) -> str:
    return verdict.channel.name if verdict.channel else ""


def _fact(finding: Finding) -> tuple[object, ...]:
    return finding.because, finding.evidence
