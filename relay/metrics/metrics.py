"""What happened, counted: takes every event, and knows what Prometheus reads.

For one event loop.  Counting is a few steps in plain dictionaries (bench/metrics.py); the library that writes the
text is loaded when somebody first reads it.
"""

import platform
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from relay.events import Observe
from relay.journal.query import Size
from relay.metrics import catalogue as names
from relay.metrics.counting import Counting
from relay.metrics.numbers import Numbers
from relay.spool.item import Depth

if TYPE_CHECKING:
    from relay.metrics.exposition import Exposition


class Metrics:
    """The metrics of one process."""

    def __init__(self, version: str, now: Callable[[], datetime]) -> None:
        """``version``: ours.  ``now``: the time, aware."""
        self._now = now
        self._numbers = Numbers()
        self._counting = Counting(self._numbers)
        self.observe: Observe = self._counting.count
        """Counts one event; what is not known here is left to others."""
        self._oldest_at: datetime | None = None
        self._ask_recorder: Callable[[], tuple[int, int]] | None = None
        self._exposition: Exposition | None = None
        self._numbers.only(names.BUILD, version, platform.python_version())
        self._numbers.only(names.STARTED, number=now().timestamp())

    def know_queue(self, depth: Depth | None) -> None:
        """Take what is in the spool now; None: it could not be asked, and what was known before stands."""
        numbers = self._numbers
        numbers.only(names.QUEUE_UP, number=depth is not None)
        if depth is None:
            return
        numbers.of(names.QUEUE)["waiting",] = depth.waiting
        numbers.of(names.QUEUE)["held",] = depth.held
        numbers.only(names.QUEUE_IN_HAND, number=depth.in_hand)
        numbers.only(names.QUEUE_AGE, number=0)
        self._oldest_at = depth.oldest_at

    def know_journal(self, size: Size | None) -> None:
        """Take how large the journal is now; None: it could not be asked, and what was known before stands."""
        numbers = self._numbers
        numbers.only(names.JOURNAL_UP, number=size is not None)
        if size is not None:
            numbers.only(names.JOURNAL_ENTRIES, number=size.entries)
            numbers.only(names.JOURNAL_OCTETS, number=size.octets)

    def ask_recorder(self, ask: Callable[[], tuple[int, int]]) -> None:
        """Ask at each exposition how many entries were written and how many wait to be; ``ask`` must not block."""
        self._ask_recorder = ask

    def exposed(self) -> bytes:
        """Return all metrics in Prometheus's text format 0.0.4; takes milliseconds and waits for nothing."""
        if self._exposition is None:
            from relay.metrics.exposition import Exposition

            self._exposition = Exposition(self._numbers, self._counting.channels.labelled)
        numbers = self._numbers
        if self._oldest_at is not None:
            age = (self._now() - self._oldest_at).total_seconds()
            numbers.only(names.QUEUE_AGE, number=max(0.0, age))
        if self._ask_recorder is not None:
            written, waiting = self._ask_recorder()
            numbers.only(names.JOURNAL_WRITTEN, number=written)
            numbers.only(names.JOURNAL_WAITING, number=waiting)
        return self._exposition.text()
