"""Say what the templates of a model's autoscaler and alerts place: triggers, limits, queries."""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.autoscaling import gpus
from slipway.autoscaling.horizontal import behavior
from slipway.autoscaling.signals import WINDOW_S, query, threshold
from slipway.catalog.pod_contract import KEYS_ADMIN_PORT
from slipway.monitoring.alert import alert, series_of
from slipway.monitoring.budget import budget_group
from slipway.monitoring.drift import drift_group
from slipway.monitoring.health import health_group
from slipway.monitoring.quality import quality_group
from slipway.plan.model import ModelPlan
from slipway.spec.scale import COOL_DOWN_S, Floor, Scale
from slipway.values import names

_POLLING_S = 15
_WAKING_S = 2
"""How often KEDA looks whether somebody waits for a model that sleeps; each look is one small request."""
_DEMAND_THRESHOLD = "1000"
"""Of calls that wait while no replica runs: they wake a model, and are no measure of how many replicas it needs."""
_METRICS_MISSING = "2m"
_AT_MAX = "15m"
RUNBOOK = "docs/how-to/metrics-are-gone.md"


def scaling_values(model: ModelPlan) -> dict[str, Any]:
    """What those templates get; None for what is left out."""
    scale = model.spec.scale
    to_zero = scale.to_zero
    return {
        "min_replicas": scale.min,
        "max_replicas": scale.max,
        "cpu_percent": scale.target.cpu_percent if scale.target else None,
        "cool_down_s": int(scale.cool_down) if scale.cool_down != COOL_DOWN_S else None,
        "scale_target": _as_written(scale),
        "scale_triggers": list(_triggers(model)) if model.scaler == "ScaledObject" else None,
        "scale_behavior": behavior(scale),
        "polling_s": _POLLING_S if to_zero is None else _WAKING_S,
        "idle_replicas": None if to_zero is None else 0,
        "idle_s": None if to_zero is None else int(to_zero.after),
        **_alerts(model),
    }


def demand_url(namespace: str, model: str) -> str:
    """Where the keys service says how many calls wait for a model."""
    return f"http://{names.KEYS}.{namespace}.svc:{KEYS_ADMIN_PORT}/demand/{model}"


def _as_written(scale: Scale) -> str | None:
    return None if scale.target is None else f"{scale.target.signal}={_number(scale.target.value)}"


def _number(value: float) -> str:
    """A number as KEDA and PromQL read it: 20.0 is `20`."""
    return f"{value:.12g}"


def _triggers(model: ModelPlan) -> Iterator[Mapping[str, Any]]:
    """What KEDA asks, the signal first."""
    yield _signal(model)
    for index, floor in enumerate(model.spec.scale.schedule):
        yield _floor(index, floor)
    if model.spec.scale.to_zero is not None:
        yield {
            "type": "metrics-api",
            "name": "demand",
            "metricType": "AverageValue",
            "metadata": {
                "url": demand_url(model.namespace, model.name),
                "valueLocation": "waiting",
                # Each pod of the keys service knows only the calls that it holds itself.
                "aggregateFromKubeServiceEndpoints": "true",
                "aggregationType": "sum",
                "targetValue": _DEMAND_THRESHOLD,
            },
        }


def _signal(model: ModelPlan) -> Mapping[str, Any]:
    scale, monitoring = model.spec.scale, model.monitoring
    if scale.target is None or monitoring is None:
        raise ValueError(f"model {model.name} has nothing to scale on in {model.environment}")
    if scale.target.cpu_percent is not None:
        metadata = {"value": str(scale.target.cpu_percent)}
        return {"type": "cpu", "name": "target", "metricType": "Utilization", "metadata": metadata}
    return {
        "type": "prometheus",
        "name": "target",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": monitoring.prometheus,
            "query": _query(model),
            "threshold": _number(threshold(scale)),
            # No answer is no zero: KEDA reports an error, and the replicas stay as they are.
            "ignoreNullValues": "false",
        },
    }


def _query(model: ModelPlan) -> str:
    """What all replicas have together: empty while that is unknown, so that nothing is changed.

    Asleep a model has no metrics, and the keys service says that this is all right: else KEDA would report an error
    every two seconds, until somebody calls.
    """
    cores = model.spec.resources.cpu / 1000
    asked = query(model.spec.scale, namespace=model.namespace, model=model.name, cores=cores)
    if model.spec.scale.to_zero is None:
        return asked
    return f"({asked})\nor (max(slipway_keys_ready_endpoints{{{series_of(model)}}}) == 0)"


def _floor(index: int, floor: Floor) -> Mapping[str, Any]:
    return {
        "type": "cron",
        "name": f"floor-{index}",
        "metricType": "AverageValue",
        "metadata": {
            "timezone": floor.timezone,
            "start": floor.cron,
            "end": floor.until,
            "desiredReplicas": str(floor.min),
        },
    }


def _alerts(model: ModelPlan) -> dict[str, Any]:
    """Groups of rules for Prometheus, and the labels of the object that has them."""
    if not model.has_rules or model.monitoring is None:
        return {"alert_groups": None, "alert_labels": None}
    slo = model.spec.slo
    groups = [_scaling_group(model)] if model.alerts else []
    groups += [budget_group(model, slo), health_group(model)] if slo is not None else []
    quality = model.spec.quality
    groups += [quality_group(model, quality.alert)] if quality is not None and quality.alert is not None else []
    groups += [drift_group(model, model.spec.drift)] if model.spec.drift is not None else []
    return {"alert_groups": groups, "alert_labels": {**model.labels, **model.monitoring.labels}}


def _scaling_group(model: ModelPlan) -> dict[str, Any]:
    """Alerts about a model that scales on metrics, which may be missing."""
    scale = model.spec.scale
    of_model = series_of(model)
    by_gpu = scale.target is not None and scale.target.gpu_percent is not None
    of_gpus = gpus.series(namespace=model.namespace, model=model.name)
    series = of_gpus if by_gpu else f"slipway_requests_in_flight{{{of_model}}}"
    missing = f"absent({series})"
    if scale.to_zero is not None:
        # Asleep it has no metrics; the keys service knows whether it has replicas.
        missing += f" and on () (max(slipway_keys_ready_endpoints{{{of_model}}}) > 0)"
    most = _number(threshold(scale) * scale.max)
    pods = f"last_over_time({series}[{WINDOW_S}s])"
    ready = f"count(count by (pod) ({pods}))" if by_gpu else f"count({pods})"
    at_max = f"({_query(model)}) > {most}\nand {ready} >= {scale.max}"
    target = f"{_as_written(scale)}".replace("=", " of ")
    nothing = f"Prometheus has no metrics of model {model.name}: its replicas stay as they are, whatever the load"
    too_few = f"Model {model.name} is above its target, {target}, with all the replicas of scale.max ({scale.max})"
    rules = [
        alert(
            model,
            "SlipwayMetricsMissing",
            missing,
            lasting=_METRICS_MISSING,
            severity="critical",
            summary=nothing,
            page=RUNBOOK,
        ),
        alert(model, "SlipwayScaledToMax", at_max, lasting=_AT_MAX, severity="warning", summary=too_few, page=RUNBOOK),
    ]
    name = f"slipway-{model.namespace}-{model.name}"
    return {"name": name, "interval": "15s", "rules": rules}
