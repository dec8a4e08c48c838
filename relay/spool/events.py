"""What the runner tells whoever observes it.  Pure."""

from dataclasses import dataclass

from relay.mail.outcome import Outcome
from relay.spool.item import Item


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An item was tried, and what came of it is settled."""

    item: Item
    """As it was before."""
    outcomes: tuple[Outcome, ...]
    """One for each of its forward-paths."""
    seconds: float
    held_because: str = ""
    """Not empty: what is left is held, and why."""
    reported: bool = False
    """A report went into the spool."""


@dataclass(frozen=True, slots=True)
class ItemHeld:
    """An item is held without having been tried."""

    item: Item
    why: str


@dataclass(frozen=True, slots=True)
class RunnerTrouble:
    """The spool does not do its work now; the runner goes on trying."""

    words: str
