"""Counts of verdicts; as large as there are reasons and channels, not messages.  Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from relay.judge import Disposition, Reason, Verdict

By = TypeVar("By")


def is_doubtful(verdict: Verdict) -> bool:
    """Tell whether the ticket is closed, or would be by a channel that does more than observe, although there are doubts."""
    return bool(verdict.doubts) and (verdict.auto_closed or verdict.reason is Reason.OBSERVED)


@dataclass(slots=True)
class Tally:
    """Counts verdicts."""

    kinds: Counter[tuple[Disposition, Reason]] = field(default_factory=Counter)
    channels: Counter[tuple[str, Disposition]] = field(default_factory=Counter)
    """By the author's channel; empty where the author is none."""
    doubtful: Counter[str] = field(default_factory=Counter)
    """Doubtful closings by channel."""
    depending: int = 0
    """Closings that something unknown could have opened."""

    def add(self, verdict: Verdict) -> None:
        """Count one verdict."""
        channel = verdict.channel.name if verdict.channel else ""
        self.kinds[verdict.disposition, verdict.reason] += 1
        self.channels[channel, verdict.disposition] += 1
        if is_doubtful(verdict):
            self.doubtful[channel] += 1
        if verdict.depends:
            self.depending += 1

    @property
    def messages(self) -> int:
        """How many messages were judged."""
        return self.kinds.total()


def busiest(channels: Mapping[tuple[str, By], int]) -> list[str]:
    """Return the names of channels, the one with the most messages first."""
    totals = Counter[str]()
    for (name, _), messages in channels.items():
        totals[name] += messages
    return [name for name, _ in totals.most_common()]
