"""Write the alerts about a model that is promised to be there: gone, restarting, at its bound, its GPUs failing."""

from collections.abc import Iterator
from typing import Any

from slipway.autoscaling import gpus
from slipway.monitoring.alert import alert, series_of
from slipway.plan.model import ModelPlan

PAGE = "docs/how-to/slo.md"
READ = ("slipway_requests_total", "slipway_request_seconds_bucket")
"""Series without which nobody knows whether the objectives are kept."""
_RESTARTS, _RESTARTS_IN = 3, "30m"
_GPU_MEMORY = 0.95


def health_group(model: ModelPlan) -> dict[str, Any]:
    """The group of alerts about a model's pods, by what they and NVIDIA's DCGM tell."""
    rules = [_down(model), *_unknown(model), _restarts(model), *_bound(model), *_gpus(model)]
    return {"name": f"slipway-{model.namespace}-{model.name}-health", "interval": "15s", "rules": rules}


def _down(model: ModelPlan) -> dict[str, Any]:
    """Only pods that are ready are scraped. Asleep a model has none, unless calls wait for it in vain."""
    expression = f"absent({_up(model)})"
    lasting, said = "1m", "no replica is ready"
    if model.spec.scale.to_zero is not None:
        expression += f" and on () (max(slipway_keys_held{{{series_of(model)}}}) > 0)"
        lasting, said = f"{model.timing.deadline_s}s", "calls wait for it, and no replica gets ready"
    summary = f"Model {model.name} does not answer: {said}"
    return alert(
        model, "SlipwayModelDown", expression, lasting=lasting, severity="critical", summary=summary, page=PAGE
    )


def _unknown(model: ModelPlan) -> Iterator[dict[str, Any]]:
    for series in READ:
        yield alert(
            model,
            "SlipwaySloUnknown",
            f"absent({series}{{{series_of(model)}}}) and on () (max({_up(model)}) == 1)",
            lasting="2m",
            severity="critical",
            summary=f"Nobody knows whether model {model.name} keeps its objectives: it is there without {series}",
            page=PAGE,
            more={"series": series},
        )


def _restarts(model: ModelPlan) -> dict[str, Any]:
    """A container that is restarted keeps its pod's name, and has another time of its start."""
    changes = f"changes(process_start_time_seconds{{{series_of(model)}}}[{_RESTARTS_IN}])"
    return alert(
        model,
        "SlipwayModelRestarts",
        f"max(sum by (pod) ({changes})) >= {_RESTARTS}",
        lasting="0s",
        severity="warning",
        summary=f"A pod of model {model.name} was restarted {_RESTARTS} times or more in {_RESTARTS_IN}",
        page=PAGE,
    )


def _bound(model: ModelPlan) -> Iterator[dict[str, Any]]:
    """For autoscalers that follow CPU or the clock; of others `SlipwayScaledToMax` tells whether it is too few."""
    scale = model.spec.scale
    if not model.autoscaled or model.alerts:
        return
    yield alert(
        model,
        "SlipwayScalerAtBound",
        f"count({_up(model)}) >= {scale.max}",
        lasting="1h",
        severity="warning",
        summary=f"Model {model.name} has had all the replicas of scale.max ({scale.max}) for an hour",
        page=PAGE,
    )


def _gpus(model: ModelPlan) -> Iterator[dict[str, Any]]:
    if model.spec.resources.gpu is None:
        return

    def of(field: str) -> str:
        return gpus.series(namespace=model.namespace, model=model.name, field=field)

    yield alert(
        model,
        "SlipwayGpuErrors",
        f"max({of('DCGM_FI_DEV_XID_ERRORS')}) > 0",
        lasting="0s",
        severity="critical",
        summary=f"A GPU of model {model.name} reports an error (XID)",
        page=PAGE,
    )
    used, free = of("DCGM_FI_DEV_FB_USED"), of("DCGM_FI_DEV_FB_FREE")
    yield alert(
        model,
        "SlipwayGpuMemoryFull",
        f"max({used} / ({used} + {free})) > {_GPU_MEMORY:g}",
        lasting="10m",
        severity="warning",
        summary=f"A GPU of model {model.name} has had less than {1 - _GPU_MEMORY:.0%} of its memory free for 10 min",
        page=PAGE,
    )


def _up(model: ModelPlan) -> str:
    """The pods that Prometheus reaches."""
    return f"up{{{series_of(model)}}} == 1"
