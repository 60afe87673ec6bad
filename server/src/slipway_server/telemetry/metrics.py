"""Count and time what the server does, for Prometheus."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from slipway_server.telemetry.drift import Counted, DriftCollector
from slipway_server.telemetry.statistics import Statistics

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """All metrics of one server, in a registry of their own."""

    def __init__(self, model: str, version: str, release: str) -> None:
        # They would double the time series, and nobody reads them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.statistics = Statistics()
        ProcessCollector(registry=self.registry)
        self._requests = Counter("slipway_requests", "Answered requests", ["route", "status"], registry=self.registry)
        self._latency = Histogram(
            "slipway_request_seconds",
            "Time from a request's headers to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.batch_rows = Histogram(
            "slipway_batch_rows", "Rows per run of the model", buckets=_ROWS, registry=self.registry
        )
        self.inference_seconds = Histogram(
            "slipway_inference_seconds",
            "Time of one run of the model",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._queue_depth = Gauge("slipway_queue_depth", "Requests waiting for the model", registry=self.registry)
        self._in_flight = Gauge(
            "slipway_requests_in_flight", "Requests being answered, a scrape included", registry=self.registry
        )
        self._start = Gauge(
            "slipway_start_seconds",
            "Time of each part of the server's start: load until the weights are there, warm until it is ready",
            ["part"],
            registry=self.registry,
        )
        self._version = version
        info = Info("slipway_model", "The model that is served", registry=self.registry)
        info.info({"model": model, "version": version, "release": release})
        self._samples: Counter | None = None
        # Looking up labelled children takes a lock and a hash per label: done once per route and status.
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def started(self, *, load_s: float, warm_s: float) -> None:
        """Say how long the server's start took: until the weights were there, and from then until it was ready."""
        self._start.labels("load").set(load_s)
        self._start.labels("warm").set(warm_s)

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Ask `depth` for the length of the queue at every scrape."""
        self._queue_depth.set_function(depth)

    def watch_in_flight(self, count: Callable[[], int]) -> None:
        """Ask `count` for the number of requests being answered at every scrape."""
        self._in_flight.set_function(count)

    def watch_drift(self, counted: Counted) -> None:
        """Ask `counted` at every scrape for what was counted of inputs and outputs."""
        self.registry.register(DriftCollector(self._version, counted))

    def watch_spans(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Ask `counts` for how many spans came to which end at every scrape."""
        self.registry.register(_Spans(counts))

    def count_samples(self, result: str, count: int) -> None:
        """Count samples by what became of them; a server that keeps none has no such metric."""
        if self._samples is None:
            self._samples = Counter(
                "slipway_capture_samples", "Samples by what became of them", ["result"], registry=self.registry
            )
        self._samples.labels(result).inc(count)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request of a route (its path with parameters' names)."""
        children = self._children.get((route, status))
        if children is None:
            children = self._requests.labels(route, str(status)), self._latency.labels(route)
            self._children[route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def expose(self, accept: str) -> tuple[bytes, str]:
        """Return all samples and their Content-Type.

        prometheus_client's own choice fails for versions that are no numbers, and promises any that is asked for.

        Args:
            accept: the request's Accept header. OpenMetrics 1.0.0 if it names it, or OpenMetrics without a version;
                whatever else it says, Prometheus's text format, which every scraper reads.
        """
        if any(map(_is_openmetrics, accept.split(","))):
            samples = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return bytes(samples), openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4


class _Spans(Collector):
    """Of a server whose requests are traced; counted where spans are sent."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily("slipway_spans", "Spans sent to the collector, or dropped", labels=["outcome"])
        for outcome, count in self._counts().items():
            family.add_metric([outcome], count)
        yield family


def _is_openmetrics(accepted: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in accepted.split(";"))
    versions = [part.removeprefix("version=").strip('"') for part in parameters if part.startswith("version=")]
    return kind == "application/openmetrics-text" and versions in ([], ["1.0.0"])
