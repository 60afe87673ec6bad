"""Describe what autoscaling asks in an environment: its Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    """

    prometheus: str
    operator: bool
    labels: Mapping[str, str] = field(default_factory=dict)
