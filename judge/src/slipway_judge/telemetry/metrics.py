"""Count what the judge does, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics


class Metrics:
    """All metrics of the judge, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._mirrored = Counter(
            "slipway_judge_mirrored_calls",
            "Calls that the gateway mirrored: replayed, or dropped and why",
            ["outcome"],
            registry=self.registry,
        )
        self._replays = Counter(
            "slipway_judge_replays",
            "Calls that the judge asked a release, by how they ended",
            ["side", "outcome"],
            registry=self.registry,
        )
        self._pairs = Counter(
            "slipway_judge_pairs", "Pairs of answers, by what comparing them gave", ["outcome"], registry=self.registry
        )
        self._percent = Gauge(
            "slipway_judge_percent", "Share of the calls that the new release is to get, %", registry=self.registry
        )
        self._phase = Gauge(
            "slipway_judge_phase", "1 for the phase that the rollout is in", ["phase"], registry=self.registry
        )
        self._unreachable = Gauge(
            "slipway_judge_unreachable",
            "1 while the API server or Prometheus does not answer",
            ["what"],
            registry=self.registry,
        )

    def mirrored(self, outcome: str) -> None:
        """Count a mirrored call: `replayed`, or why it was dropped."""
        self._mirrored.labels(outcome).inc()

    def replay(self, side: str, outcome: str) -> None:
        """Count a call to a release: its class of status, or what failed."""
        self._replays.labels(side, outcome).inc()

    def pair(self, outcome: str) -> None:
        """Count a pair of answers."""
        self._pairs.labels(outcome).inc()

    def stands(self, phase: str, percent: float) -> None:
        """Show where the rollout stands."""
        self._phase.clear()
        self._phase.labels(phase).set(1)
        self._percent.set(percent)

    def unreachable(self, what: str, is_so: bool) -> None:
        """Show whether `api_server` or `prometheus` does not answer."""
        self._unreachable.labels(what).set(is_so)
