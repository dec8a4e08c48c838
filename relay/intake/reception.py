"""What all sessions of one relay share: the terms in force, who is inside, whether we are closing."""

import asyncio
from typing import Protocol

from relay.intake.limits import Doors, Memory
from relay.intake.terms import Terms
from relay.mail.envelope import Address


class Guest(Protocol):
    """A session, as far as the reception knows it."""

    counted: Address | None
    """The client that ``doors`` counted, if any."""
    refused: bool
    """It was sent away before its first command."""

    def retire(self) -> None:
        """Go at the next good moment."""
        ...

    def evict(self) -> None:
        """Go now."""
        ...


class Reception:
    """One for each running intake; never for two event loops."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        """What sessions that begin from now on go by."""
        self.doors = Doors()
        self.memory = Memory()
        self.closing = False
        self._inside: dict[Guest, asyncio.Task[None]] = {}

    def enter(self, guest: Guest, task: asyncio.Task[None]) -> None:
        """Know ``guest`` until its task is done."""
        self._inside[guest] = task
        self.doors.inside += 1
        task.add_done_callback(lambda _: self._leave(guest))

    def _leave(self, guest: Guest) -> None:
        del self._inside[guest]
        self.doors.inside -= 1
        self.doors.refused -= guest.refused
        if guest.counted is not None:
            self.doors.leave(guest.counted)

    async def clear(self, drain: float) -> None:
        """Send everybody out: the idle now, the others when they are done, the last after ``drain`` seconds."""
        self.closing = True
        for guest in tuple(self._inside):
            guest.retire()
        if self._inside:
            await asyncio.wait(self._inside.values(), timeout=drain)
        for guest in tuple(self._inside):
            guest.evict()
        if self._inside:
            await asyncio.wait(self._inside.values())
