"""How long anybody may take."""

import asyncio
from collections.abc import Callable

_NEVER = float("inf")


class Deadline:
    """One timer for a whole connection: moved often, and looked at only when it fires."""

    __slots__ = ("_due", "_expired", "_fires", "_handle", "_loop", "_now")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._now = loop.time
        self._expired = expired
        self._due = _NEVER
        self._fires = _NEVER
        self._handle: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Expire ``seconds`` from now; 0 means never."""
        if not seconds:
            self._due = _NEVER
            return
        self._due = due = self._now() + seconds
        if due < self._fires:
            self._arm()

    def clear(self) -> None:
        """Do not expire until set again."""
        self._due = _NEVER

    def extend(self, seconds: float, at_most: float) -> None:
        """Put the deadline off by ``seconds``, but not further than ``at_most`` (0: no bound) from now."""
        self._due += seconds
        if at_most:
            self._due = min(self._due, self._now() + at_most)

    def stop(self) -> None:
        """Do not expire, and hold no timer."""
        self._due = self._fires = _NEVER
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def end(self) -> None:
        """Do as ``stop`` does and forget whom to tell: whoever is told and holds us would wait for the garbage collector."""
        self.stop()
        self._expired = _tell_nobody

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._fires = self._due
        self._handle = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._handle = None
        self._fires = _NEVER
        if self._due == _NEVER:
            return
        if self._now() < self._due:
            self._arm()
        else:
            self._due = _NEVER
            self._expired()


def _tell_nobody() -> None:
    pass
