"""Say what is shown of a model and of an environment: panels, each a few queries in PromQL, for whoever draws them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from slipway.autoscaling import gpus
from slipway.monitoring.alert import series_of
from slipway.monitoring.budget import BURN, LEFT
from slipway.monitoring.objectives import ROUTES
from slipway.plan.model import ModelPlan

Unit = Literal["reqps", "percentunit", "s", "short", "bytes", "currencyUSD", "percent"]
"""What a number is of, by the ids that Grafana has for units."""
_OVER = "[1m]"
_COST_OVER = "[5m]"


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `legend` names each of its series, with labels in double braces."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What is looked at together, over time."""

    title: str
    unit: Unit
    queries: tuple[Query, ...]


def model_panels(model: ModelPlan) -> Iterator[Panel]:
    """What is shown of one model. What it does not have (objectives, GPUs, a price) is left out."""
    of = series_of(model)
    if model.spec.own_server is None:
        yield from _of_server(of, "")
    yield Panel("Replicas", "short", (Query(f"count(up{{{of}}} == 1)", "ready"),))
    if model.spec.own_server is None:
        yield _releases(of)
        yield from _of_process(of)
        yield from _cost(model, of)
    if model.spec.resources.gpu is not None:
        yield from _gpu(model)
    if model.spec.slo is not None:
        yield _left(of, "{{slo}}")
        yield Panel("How fast the budget burns", "short", (Query(f"{BURN}{{{of}}}", "{{slo}}, {{range}}"),))


def environment_panels(namespace: str, *, gateway: bool) -> Iterator[Panel]:
    """What is shown of all models of an environment side by side, and of its gateway."""
    of = f'namespace="{namespace}",model!=""'
    yield from _of_server(of, "model")
    yield Panel("Replicas", "short", (Query(f"count by (model) (up{{{of}}} == 1)", "{{model}}"),))
    yield _left(of, "{{model}}, {{slo}}")
    if not gateway:
        return
    keys = f'namespace="{namespace}"'
    checks = f"sum by (outcome) (rate(slipway_keys_checks_total{{{keys}}}{_OVER}))"
    yield Panel("Calls at the gateway, by what the keys service said", "reqps", (Query(checks, "{{outcome}}"),))
    held = f"sum by (model) (slipway_keys_held{{{keys}}})"
    yield Panel("Calls that wait for a model to wake", "short", (Query(held, "{{model}}"),))


def _of_server(of: str, by: str) -> Iterator[Panel]:
    """What the model server counts. `by`: the label that tells series apart, empty for all together."""
    asked = f'{of},route=~"{ROUTES}"'
    legend = f"{{{{{by}}}}}" if by else ""

    def summed(more: str, expression: str) -> str:
        labels = ", ".join(filter(None, (by, more)))
        return f"sum by ({labels}) ({expression})" if labels else f"sum({expression})"

    every = f"rate(slipway_requests_total{{{asked}}}{_OVER})"
    failed = f'rate(slipway_requests_total{{{asked},status=~"5.."}}{_OVER})'
    status = "" if by else "status"
    yield Panel("Traffic", "reqps", (Query(summed(status, every), legend or "{{status}}"),))
    share = f"({summed('', failed)} or 0 * {summed('', every)}) / ({summed('', every)} > 0)"
    yield Panel("Calls that fail", "percentunit", (Query(share, legend or "5xx"),))
    whole = f"histogram_quantile(0.95, {summed('le', f'rate(slipway_request_seconds_bucket{{{asked}}}{_OVER})')})"
    run = f"histogram_quantile(0.95, {summed('le', f'rate(slipway_inference_seconds_bucket{{{of}}}{_OVER})')})"
    latency = (
        Query(whole, " ".join(filter(None, (legend, "whole")))),
        Query(run, " ".join(filter(None, (legend, "the model's run")))),
    )
    yield Panel("p95 of latency, by stage", "s", latency)
    rows = f"rate(slipway_batch_rows_sum{{{of}}}{_OVER})"
    runs = f"rate(slipway_batch_rows_count{{{of}}}{_OVER})"
    size = f"{summed('', rows)} / ({summed('', runs)} > 0)"
    yield Panel("Rows in a run of the model", "short", (Query(size, legend or "rows"),))
    queue = summed("", f"slipway_queue_depth{{{of}}}")
    yield Panel("Requests that wait", "short", (Query(queue, legend or "waiting"),))


def _of_process(of: str) -> Iterator[Panel]:
    cpu = f"sum by (pod) (rate(process_cpu_seconds_total{{{of}}}{_OVER}))"
    yield Panel("CPU, in cores", "short", (Query(cpu, "{{pod}}"),))
    memory = f"sum by (pod) (process_resident_memory_bytes{{{of}}})"
    yield Panel("Memory", "bytes", (Query(memory, "{{pod}}"),))


def _releases(of: str) -> Panel:
    query = f"count by (version, release) (slipway_model_info{{{of}}})"
    return Panel("Replicas by release", "short", (Query(query, "{{version}} ({{release}})"),))


def _cost(model: ModelPlan, of: str) -> Iterator[Panel]:
    """On-demand prices of the plan, for the replicas that there are."""
    cost = model.estimates.cost
    if cost is None:
        return
    hourly = f"{float(cost.at_max / model.spec.scale.max):.6g}"
    calls = f'sum(rate(slipway_requests_total{{{of},route=~"{ROUTES}"}}{_COST_OVER}))'
    query = f"1000 * {hourly} * count(up{{{of}}} == 1) / (3600 * {calls} > 0)"
    yield Panel("Cost of 1,000 requests", "currencyUSD", (Query(query, "USD"),))


def _gpu(model: ModelPlan) -> Iterator[Panel]:
    def shown(field: str) -> str:
        return f"max by (pod, gpu) ({gpus.series(namespace=model.namespace, model=model.name, field=field)})"

    yield Panel("GPU use", "percent", (Query(shown("DCGM_FI_DEV_GPU_UTIL"), "{{pod}} {{gpu}}"),))
    memory = f"1048576 * {shown('DCGM_FI_DEV_FB_USED')}"
    yield Panel("GPU memory", "bytes", (Query(memory, "{{pod}} {{gpu}}"),))


def _left(of: str, legend: str) -> Panel:
    return Panel("SLO budget left", "percentunit", (Query(f"{LEFT}{{{of}}}", legend),))
