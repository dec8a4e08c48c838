"""A progress bar on stderr, where that is a terminal; lines printed on the same terminal stand above it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from relay.mail.text import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Advance = Callable[[int, int], None]
"""Takes how much is done, and how many messages that were."""
_EVERY_SECONDS = 0.1


@contextmanager
def progress(what: str, total: Callable[[], int | None]) -> Iterator[Advance]:
    """Show how far ``what`` is, the messages a second and the time that remains; ``total`` is only asked for where it is shown."""
    if not sys.stderr.isatty():
        yield lambda _done, _messages: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[messages]:,} messages, {task.fields[rate]:,.0f} a second"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),
    ) as rows:
        bar = _Bar(rows, rows.add_task(visible(what), total=total(), messages=0, rate=0.0))
        yield bar.advance
        bar.show()


class _Bar:
    """One row, drawn again from time to time."""

    def __init__(self, rows: "Progress", task: "TaskID") -> None:
        self._rows = rows
        self._task = task
        self._begun = self._shown = monotonic()
        self._done = self._messages = 0

    def advance(self, done: int, messages: int) -> None:
        """Note how far it is."""
        self._done, self._messages = done, messages
        if monotonic() - self._shown > _EVERY_SECONDS:
            self.show()

    def show(self) -> None:
        """Draw the row."""
        self._shown = monotonic()
        rate = self._messages / max(self._shown - self._begun, _EVERY_SECONDS)
        self._rows.update(self._task, completed=self._done, messages=self._messages, rate=rate)
