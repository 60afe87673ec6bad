"""Count and time what the service does, for Prometheus.

No label has a key, of which there may be thousands, but where the busiest few are shown.
"""

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from slipway_keys.values.quality import Quality
from slipway_keys.values.traffic import Traffic

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
_WAITS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """All metrics of one replica, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._checks = Counter(
            "slipway_keys_checks", "Calls that the gateway asked about", ["model", "outcome"], registry=self.registry
        )
        self.check_seconds = Histogram(
            "slipway_keys_check_seconds", "Time of a check", buckets=_SECONDS, registry=self.registry
        )
        self._lines = Counter(
            "slipway_keys_ledger_lines",
            "New reservations and settlements in the ledger; lines refused by the database; calls never settled",
            ["kind"],
            registry=self.registry,
        )
        self._records = Counter(
            "slipway_keys_access_log_records",
            "Records of the gateway's access log: settled, of a refused call, or not believed",
            ["kind"],
            registry=self.registry,
        )
        self._held = Gauge(
            "slipway_keys_held", "Calls that wait for a replica of their model", ["model"], registry=self.registry
        )
        self._held_seconds = Histogram(
            "slipway_keys_held_seconds",
            "Time that calls waited for a replica of their model, by how it ended",
            ["model", "end"],
            buckets=_WAITS_S,
            registry=self.registry,
        )
        self._endpoints = Gauge(
            "slipway_keys_ready_endpoints",
            "Ready endpoints of each model that may have none, by the API server's last word",
            ["model"],
            registry=self.registry,
        )
        self._day_calls = Gauge(
            "slipway_keys_day_calls",
            "Calls of the last 24 hours, of the busiest callers",
            ["account", "model"],
            registry=self.registry,
        )
        self._usual_day_calls = Gauge(
            "slipway_keys_usual_day_calls",
            "Calls of the busiest of the seven days before, of the same callers",
            ["account", "model"],
            registry=self.registry,
        )
        self._feedback = Counter(
            "slipway_keys_feedback",
            "Feedback on answers by what became of it; unknown: no such answer came",
            ["model", "state"],
            registry=self.registry,
        )
        self._not_kept = Counter(
            "slipway_keys_answers_not_kept",
            "Rows of answers that feedback finds nothing of: beyond the first of an answer, or unreadable",
            ["model"],
            registry=self.registry,
        )
        self._gone_early = Counter(
            "slipway_keys_answers_gone_early",
            "Rows of answers that made room for newer ones before their time",
            registry=self.registry,
        )
        self._quality = Gauge(
            "slipway_keys_quality",
            "How good a version's answers were by the feedback of its window",
            ["model", "version", "metric"],
            registry=self.registry,
        )
        self._labels = Gauge(
            "slipway_keys_quality_labels",
            "Labels of the window that a version is measured by",
            ["model", "version"],
            registry=self.registry,
        )
        self._check_children: dict[tuple[str, str], Counter] = {}

    def checked(self, model: str, outcome: str) -> None:
        """Count a check; `model` is one that there is, or empty."""
        child = self._check_children.get((model, outcome))
        if child is None:
            child = self._check_children[model, outcome] = self._checks.labels(model, outcome)
        child.inc()

    def lines(self, kind: str, count: int) -> None:
        """Count lines of the ledger."""
        if count:
            self._lines.labels(kind).inc(count)

    def record(self, kind: str) -> None:
        """Count a record of the access log."""
        self._records.labels(kind).inc()

    def holding(self, model: str, count: int) -> None:
        """Show how many calls wait for a model."""
        self._held.labels(model).set(count)

    def held(self, model: str, end: str, seconds: float) -> None:
        """Time a call's wait."""
        self._held_seconds.labels(model, end).observe(seconds)

    def ready_endpoints(self, counts: Mapping[str, int]) -> None:
        """Show these counts by model, and no others."""
        self._endpoints.clear()
        for model, count in counts.items():
            self._endpoints.labels(model).set(count)

    def busiest(self, found: Sequence[Traffic]) -> None:
        """Show how often these callers call, and no others."""
        self._day_calls.clear()
        self._usual_day_calls.clear()
        for one in found:
            self._day_calls.labels(one.account, one.model).set(one.calls)
            self._usual_day_calls.labels(one.account, one.model).set(one.usual)

    def feedback(self, model: str, state: str, count: int = 1) -> None:
        """Count feedback."""
        self._feedback.labels(model, state).inc(count)

    def not_kept(self, model: str, rows: int) -> None:
        """Count rows of an answer that nothing is kept of."""
        if rows:
            self._not_kept.labels(model).inc(rows)

    def gone_early(self, rows: int) -> None:
        """Count rows that were deleted before their time."""
        self._gone_early.inc(rows)

    def qualities(self, found: Mapping[str, Sequence[Quality]]) -> None:
        """Show these measures by model, and no others."""
        self._quality.clear()
        self._labels.clear()
        for model, versions in found.items():
            for one in versions:
                self._labels.labels(model, one.version).set(one.labels)
                for metric, value in one.measures.items():
                    self._quality.labels(model, one.version, metric).set(value)

    def watch(self, name: str, about: str, value: Callable[[], float]) -> None:
        """Ask `value` at every scrape."""
        Gauge(f"slipway_keys_{name}", about, registry=self.registry).set_function(value)
