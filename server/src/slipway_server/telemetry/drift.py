"""Tell Prometheus what was counted of inputs and outputs, and the profile that it is held against."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from slipway_server.values.drift import FeatureSection

Counted = Callable[[], Sequence[tuple[FeatureSection, Any]]]
_PREFIX = "slipway_drift"


class DriftCollector(Collector):
    """Every bin of every feature from the start, with 0: Prometheus does not see a series' first increase."""

    def __init__(self, version: str, counted: Counted) -> None:
        """`counted`: gives each feature with its rows by bin, [bins]; it is called by each scrape."""
        self._version = version
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Rows by bin, and of numbers those up to the end of the bin, which the distance `ks` needs."""
        labels = ["version", "feature", "bin"]
        rows = CounterMetricFamily(f"{_PREFIX}_rows", "Rows of calls, by bin of a feature", labels=labels)
        up_to = CounterMetricFamily(f"{_PREFIX}_rows_up_to", "Rows of calls up to a bin of a feature", labels=labels)
        of = "of the data that the model was locked with"
        profile = GaugeMetricFamily(f"{_PREFIX}_profile_rows", f"Rows {of}, by bin of a feature", labels=labels)
        profile_up_to = GaugeMetricFamily(f"{_PREFIX}_profile_rows_up_to", f"Rows {of}, up to a bin", labels=labels)
        bound = GaugeMetricFamily(
            f"{_PREFIX}_bound",
            "What chance exceeds in a window of a thousand, of one row: times 1/n + 1/m, of ks the root",
            labels=["version", "feature", "statistic"],
        )
        for feature, counts in self._counted():
            for kind, family, summed in (
                (counts.tolist(), rows, up_to),
                (feature.rows, profile, profile_up_to),
            ):
                total = 0
                for name, count in zip(feature.bins, kind, strict=True):
                    total += count
                    family.add_metric([self._version, feature.name, name], count)
                    if feature.edges is not None:
                        summed.add_metric([self._version, feature.name, name], total)
            for statistic, value in feature.bounds.model_dump(exclude_none=True).items():
                bound.add_metric([self._version, feature.name, statistic], value)
        yield from (rows, up_to, profile, profile_up_to, bound)
