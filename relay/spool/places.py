"""Places in hand for items that are about to be put: the runner gets them at once and need not look for them."""

from collections.abc import Callable, Sequence

from relay.spool.item import Item


class Places:
    """One answer for each item of one ``put``; whoever was given them tells once what became of them."""

    __slots__ = ("_told", "taken")

    def __init__(self, taken: Sequence[bool], told: Callable[[Sequence[Item]], None]) -> None:
        self.taken = taken
        """Of each item whether it has a place; it is then put as claimed."""
        self._told: Callable[[Sequence[Item]], None] | None = told

    def landed(self, items: Sequence[Item]) -> None:
        """Begin with ``items``, which are on stable storage and claimed; what has a place and is not among them is not there.

        Only the first call counts, so that a way that fails may give back what another one has used.
        """
        told, self._told = self._told, None
        if told is not None:
            told(items)


NOWHERE = Places((), lambda _: None)
"""For items that wait for their turn."""
