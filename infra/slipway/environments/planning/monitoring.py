"""Describe what autoscaling and objectives ask in an environment: its Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.autoscaling.signals import SCRAPE_S
from slipway.settings.routes import Route
from slipway.settings.traces import Traces
from slipway.values.windows import DAY_S

KEEPS_S = 2 * DAY_S
"""For how long the Prometheus that Slipway installs on AWS keeps what it scraped."""
OPERATED = "http://prometheus-operated.monitoring:9090"
"""Address of the Service that prometheus-operator makes for a Prometheus of the namespace `monitoring`."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """A collector of spans in the cluster, and how many requests are traced.

    Attributes:
        service: name of its Service.
        namespace: of that.
        share: of the requests, from 0 to 1.
        grpc_port: where it takes OTLP over gRPC; the port that OTLP's specification names, as is the next.
        http_port: where it takes OTLP over HTTP.
    """

    service: str
    namespace: str
    share: float
    grpc_port: int = 4317
    http_port: int = 4318

    @property
    def host(self) -> str:
        """Its name in the cluster."""
        return f"{self.service}.{self.namespace}.svc"


def tracing_of(written: Traces | None) -> Tracing | None:
    """That as settings describe it."""
    if written is None:
        return None
    service, namespace = written.collector.split(".")
    return Tracing(service, namespace, written.share)


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Where metrics are, for models that scale on them.

    Attributes:
        prometheus: address of the Prometheus that KEDA asks.
        operator: whether objects for prometheus-operator are applied; else a person adds what `slipway scrape-config`
            prints.
        labels: by which the operator selects these objects, beside Slipway's own.
        scrape_s: seconds from one scrape of a pod to the next.
        routes: who is told of alerts.
        tracing: where spans of requests go; None where nobody traces.
        keeps_s: seconds for which Prometheus keeps what it scraped; None where nobody here knows.
    """

    prometheus: str
    operator: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    scrape_s: int = SCRAPE_S
    keeps_s: int | None = None
    routes: tuple[Route, ...] = ()
    tracing: Tracing | None = None
