"""Numbers as the text that Prometheus reads (text format 0.0.4); the only importer of prometheus_client.

The library has a registry of its own here and counts nothing: it writes what stands in ``Numbers``.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from relay.metrics.busiest import REST
from relay.metrics.catalogue import FAMILIES, Family, Kind
from relay.metrics.numbers import Numbers, Values

CHANNEL = "channel"


class Exposition(Collector):
    """Reads the numbers whenever somebody asks."""

    def __init__(self, numbers: Numbers, labelled: set[str]) -> None:
        """``labelled``: the channels that have a label value now; it may change."""
        self._numbers = numbers
        self._labelled = labelled
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return all metrics."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family, those without a number too: help and type are there from the start."""
        for family in FAMILIES:
            yield self._histogram(family) if family.kind is Kind.HISTOGRAM else self._plain(family)

    def _plain(self, family: Family) -> Metric:
        make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
        metric = make(family.name, family.help, labels=family.labels)
        numbers = sorted(self._numbers.of(family).items())
        for values, number in self._shown(family, numbers):
            metric.add_metric(values, number)
        return metric

    def _shown(
        self, family: Family, numbers: Iterable[tuple[Values, float]]
    ) -> Iterator[tuple[Values, float]]:
        """Yield what is shown: of a channel that lost its label value nothing, until it has one again."""
        if CHANNEL not in family.labels:
            yield from numbers
            return
        place = family.labels.index(CHANNEL)
        shown = {"", REST, *self._labelled}
        for values, number in numbers:
            if values[place] in shown:
                yield values, number

    def _histogram(self, family: Family) -> Metric:
        metric = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        bounds = [*map(str, family.buckets), "+Inf"]
        for values, (*numbers, seconds) in sorted(self._numbers.spreads[family.name].rows.items()):
            reached, buckets = 0.0, []
            for bound, number in zip(bounds, numbers, strict=True):
                reached += number
                buckets.append((bound, reached))
            metric.add_metric(values, buckets, seconds)
        return metric
