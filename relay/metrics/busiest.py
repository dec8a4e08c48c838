"""Which channels have a label value of their own, among any number of them.  Pure.

A label value is a time series in Prometheus for weeks, so they are few: the busiest, and the rest together.
Busy is what was seen often of late, as the frequent items of a stream are found in bounded memory (Misra and
Gries, 1982): a name with more than one message in ``WATCHED`` is always among those that are watched.

No counter goes backwards: a name that loses its label value keeps its numbers and goes on from them when it
returns, and what came meanwhile stays with the rest.  So that these memories are bounded too, no more than
``EVER`` names get a label value in the life of one process.  (docs/decisions/0011-metrics.md)
"""

REST = "other"
"""The label value of all the others."""
MOST = 50
"""Names that have a label value at a time."""
EVER = 200
"""Names that have had one."""
WATCHED = 500
"""Names that are counted to find the busiest."""
REVIEW_EVERY = 1000
"""Messages."""
_LOYALTY = 2
"""So many times as busy must a name be to take another one's place,"""
_AT_LEAST = 10
"""and so often must it have been seen: one among thousands that are all alike takes none."""


class Busiest:
    """Gives out label values, first come, until there are too many; from then on to the busiest."""

    __slots__ = ("_ever", "_seen", "_until_review", "labelled")

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._ever: set[str] = set()
        self._until_review = REVIEW_EVERY
        self.labelled: set[str] = set()
        """Names that have a label value now."""

    def label(self, name: str) -> str:
        """Count one message of ``name`` and return its label value."""
        self._until_review -= 1
        if not self._until_review:
            self._review()
        seen = self._seen
        if name in seen:
            seen[name] += 1
        elif len(seen) < WATCHED:
            seen[name] = 1
        else:  # so seldom that it costs one step for each message that was counted
            self._seen = {other: times - 1 for other, times in seen.items() if times > 1}
        if name in self.labelled:
            return name
        if len(self.labelled) < MOST and self._may_have(name):
            self._give(name)
            return name
        return REST

    def _may_have(self, name: str) -> bool:
        return name != REST and (name in self._ever or len(self._ever) < EVER)

    def _give(self, name: str) -> None:
        self._ever.add(name)
        self.labelled.add(name)

    def _review(self) -> None:
        """Let names that are much busier take the places of others, then let what was count half."""
        self._until_review = REVIEW_EVERY
        best = sorted(self._seen, key=self._weight, reverse=True)[:MOST]
        leaving = sorted(self.labelled.difference(best), key=lambda name: (self._weight(name), name))
        for name in best:
            if name in self.labelled or not self._may_have(name):
                continue
            if len(self.labelled) == MOST:
                if not leaving or self._seen[name] < _AT_LEAST:
                    break
                self.labelled.discard(leaving.pop(0))
            self._give(name)
        self._seen = {name: times // 2 for name, times in self._seen.items() if times > 1}

    def _weight(self, name: str) -> int:
        return self._seen.get(name, 0) * (_LOYALTY if name in self.labelled else 1)
