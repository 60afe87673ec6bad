"""Define what a person may write about the Prometheus that autoscaling asks."""

from typing import Literal, Self

from pydantic import Field, model_validator

from slipway.settings.routes import ROUTES, Route
from slipway.settings.traces import TRACES, Traces
from slipway.settings.values import LabelKey, LabelValue
from slipway.values.hosts import HttpAddress
from slipway.values.quantities import Seconds, format_seconds, refusal
from slipway.values.section import Section, empty

_OWN_LABELS = ("app.kubernetes.io/", "slipway.dev/")
"""What keys of labels begin with that Slipway sets on everything."""


_INTERVAL_S = 5.0
"""Autoscaling takes rates over half a minute: six scrapes, one or two of which may fail."""


class Monitoring(Section):
    """The cluster's Prometheus and KEDA, with which models scale on what their users feel; none when left out."""

    prometheus: HttpAddress = Field(
        description="Address of Prometheus' API as KEDA reaches it.",
        examples=["http://prometheus-operated.monitoring:9090"],
    )
    discovery: Literal["operator", "manual"] = Field(
        default="operator",
        description="How Prometheus learns of models and alerts: from objects that prometheus-operator watches, or "
        "from what `slipway scrape-config` prints, which you add to its configuration.",
        examples=["manual"],
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels by which prometheus-operator selects PodMonitors and PrometheusRules.",
        examples=[{"release": "kube-prometheus-stack"}],
        exclude_if=empty,
    )

    interval: Seconds = Field(
        default=_INTERVAL_S,
        description="How often Prometheus asks a pod for metrics, 1s to 5s; with less, `slo.window` may be shorter.",
        examples=["5s"],
        exclude_if=lambda value: value == _INTERVAL_S,
        json_schema_extra={"default": format_seconds(_INTERVAL_S)},
    )

    routes: tuple[Route, ...] = ROUTES

    traces: Traces | None = TRACES

    @model_validator(mode="after")
    def _routes_are_objects(self) -> Self:
        if self.routes and self.discovery == "manual":
            problem = "are given, though discovery is manual: no object is applied that could have them"
            allowed = "routes beside discovery: operator"
            raise refusal(problem, allowed, "write them into your Alertmanager's own configuration", ("routes",))
        return self

    @model_validator(mode="after")
    def _is_often_enough(self) -> Self:
        if self.interval not in range(1, int(_INTERVAL_S) + 1):
            problem = f"{format_seconds(self.interval)} is no interval that autoscaling can go by"
            raise refusal(problem, "whole seconds from 1s to 5s", "write for example 5s", ("interval",))
        return self

    @model_validator(mode="after")
    def _labels_select_objects(self) -> Self:
        for key in self.labels:
            if key.startswith(_OWN_LABELS):
                allowed = f"keys that do not begin with {' or '.join(_OWN_LABELS)}"
                raise refusal("is a label that Slipway sets itself", allowed, "remove it", ("labels", key))
        if self.labels and self.discovery == "manual":
            problem = "are given, though discovery is manual: no object is applied that could have them"
            raise refusal(problem, "labels beside discovery: operator", "remove them", ("labels",))
        return self
