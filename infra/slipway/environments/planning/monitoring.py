"""Describe what autoscaling and objectives ask in an environment: its Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.autoscaling.signals import SCRAPE_S
from slipway.settings.routes import Route
from slipway.values.windows import DAY_S

KEEPS_S = 2 * DAY_S
"""For how long the Prometheus that Slipway installs on AWS keeps what it scraped."""
OPERATED = "http://prometheus-operated.monitoring:9090"
"""Address of the Service that prometheus-operator makes for a Prometheus of the namespace `monitoring`."""


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
        keeps_s: seconds for which Prometheus keeps what it scraped; None where nobody here knows.
    """

    prometheus: str
    operator: bool
    labels: Mapping[str, str] = field(default_factory=dict)
    scrape_s: int = SCRAPE_S
    keeps_s: int | None = None
    routes: tuple[Route, ...] = ()
