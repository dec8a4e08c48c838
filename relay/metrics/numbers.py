"""The numbers of every metric, in plain dictionaries: counting is on the mail path and must cost next to nothing."""

from bisect import bisect_left
from collections import defaultdict

from relay.metrics.catalogue import FAMILIES, Family, Kind

Values = tuple[str, ...]
"""One value for each label of a family."""
Count = defaultdict[Values, float]


class Spread:
    """How durations spread over a histogram's buckets."""

    __slots__ = ("_bounds", "rows")

    def __init__(self, family: Family) -> None:
        self._bounds = family.buckets
        self.rows: dict[Values, list[float]] = {}
        """How many fell into each bucket, more than the last bound last; behind these the sum of all."""

    def add(self, values: Values, seconds: float) -> None:
        """Count one duration."""
        row = self.rows.get(values)
        if row is None:
            row = self.rows[values] = [0.0] * (len(self._bounds) + 2)
        row[bisect_left(self._bounds, seconds)] += 1
        row[-1] += seconds


class Numbers:
    """What was counted since the process began, and what was last read."""

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {
            family.name: defaultdict(float) for family in FAMILIES if family.kind is not Kind.HISTOGRAM
        }
        self.spreads = {family.name: Spread(family) for family in FAMILIES if family.kind is Kind.HISTOGRAM}
        for family in FAMILIES:
            if family.kind is Kind.COUNTER and not family.labels:
                self.counts[family.name][()] = 0.0

    def of(self, family: Family) -> Count:
        """Return the numbers of a counter or a gauge, by its labels' values."""
        return self.counts[family.name]

    def only(self, family: Family, *values: str, number: float = 1.0) -> None:
        """Let a gauge have one number and no other."""
        count = self.counts[family.name]
        count.clear()
        count[values] = number
