"""Sums of what was decided, and what observing channels would have closed.  Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.channels import AutoClose, ChannelBook
from relay.journal.query import Count
from relay.judge import Disposition, Reason

PERIODS = (7, 14, 30, 90, 365)
"""Days that an overview may be of."""
PERIOD = 14
"""That of an overview of which nothing else is said."""


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of counts."""

    messages: int = 0
    closed: int = 0
    doubtful: int = 0

    @property
    def open(self) -> int:
        """All that stayed open."""
        return self.messages - self.closed


@dataclass(frozen=True, slots=True)
class Observed:
    """What a channel that observes would have closed."""

    channel: str
    messages: int
    doubtful: int


def total(counts: Iterable[Count]) -> Total:
    """Return the sums."""
    messages = closed = doubtful = 0
    for count in counts:
        messages += count.messages
        closed += count.messages if count.verdict == Disposition.AUTO_CLOSED else 0
        doubtful += count.messages if count.doubtful else 0
    return Total(messages, closed, doubtful)


def observing(counts: Sequence[Count], book: ChannelBook) -> tuple[Observed, ...]:
    """Return what each channel that observes now would have closed, the most first."""
    seen: defaultdict[str, list[Count]] = defaultdict(list)
    for count in counts:
        if count.reason == Reason.OBSERVED:
            seen[count.channel].append(count)
    found = []
    for channel in book.channels:
        if channel.auto_close is AutoClose.OBSERVE:
            sums = total(seen.get(channel.name, ()))
            found.append(Observed(channel.name, sums.messages, sums.doubtful))
    return tuple(sorted(found, key=lambda each: -each.messages))


def reasons(counts: Iterable[Count]) -> list[tuple[str, int]]:
    """Return how many messages each reason was given for, the most first."""
    found: Counter[str] = Counter()
    for count in counts:
        found[count.reason] += count.messages
    return found.most_common()
