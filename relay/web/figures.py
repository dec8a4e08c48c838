"""Sums of what was decided, and what observing channels would have closed.  Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from relay.channels import AutoClose, ChannelBook
from relay.journal.query import Count, Observed
from relay.judge import Disposition

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


def total(counts: Iterable[Count]) -> Total:
    """Return the sums."""
    messages = closed = doubtful = 0
    for count in counts:
        messages += count.messages
        closed += count.messages if count.verdict == Disposition.AUTO_CLOSED else 0
        doubtful += count.messages if count.doubtful else 0
    return Total(messages, closed, doubtful)


def observing(observed: Iterable[Observed], book: ChannelBook, most: int) -> tuple[Observed, ...]:
    """Return what channels that observe now would have closed, the most first, ``most`` channels at most."""
    now = _observing(book)
    found = {each.channel: each for each in observed if each.channel in now}
    nothing = (Observed(name, 0, 0) for name in now if name not in found)
    return tuple(islice(chain(found.values(), nothing), most))


@lru_cache(1)
def _observing(book: ChannelBook) -> dict[str, None]:
    """Return the names of the channels that observe, in the order of the book."""
    return {each.name: None for each in book.channels if each.auto_close is AutoClose.OBSERVE}


def reasons(counts: Iterable[Count]) -> list[tuple[str, int]]:
    """Return how many messages each reason was given for, the most first."""
    found: Counter[str] = Counter()
    for count in counts:
        found[count.reason] += count.messages
    return found.most_common()
