"""Everybody who is told what happens: the log, the journal, the metrics."""

from collections.abc import Callable


class Observers:
    """Tells each event to all, in the order in which they came; what one raises does not reach the mail path."""

    def __init__(self, *observers: Callable[[object], None], fault: Callable[[Exception], None]) -> None:
        """``fault`` is told of what an observer raised."""
        self._observers = observers
        self._fault = fault

    def add(self, observer: Callable[[object], None]) -> None:
        """Tell one more from now on."""
        self._observers = (*self._observers, observer)

    def observe(self, event: object) -> None:
        """Tell ``event`` to all."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception as bug:  # a supervisor: whoever watches must not stop mail
                self._fault(bug)
