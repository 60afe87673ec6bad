"""Tell how the replicas of live models are set, and what fires about them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from slipway.cluster.autoscalers import HPA, SCALED_OBJECT
from slipway.cluster.prometheus import Alert, Prometheus, Silent
from slipway.cluster.scaling import Scaling, scaling_of
from slipway.commands.context import EnvironmentContext
from slipway.deploy.record import Live
from slipway.environments.planning.kinds import planning
from slipway.values.names import MANAGED_BY, fitted

_OURS = f"app.kubernetes.io/managed-by={MANAGED_BY}"


def scalings(context: EnvironmentContext, live: Mapping[str, Live]) -> dict[str, Scaling]:
    """How the replicas of each live model are set. ScaledObjects are asked for only where there may be any."""
    kinds = [HPA]
    if planning(context.settings).monitoring is not None or any(one.wanted == 0 for one in live.values()):
        kinds.append(SCALED_OBJECT)
    there = {
        kind: {item["metadata"]["name"]: item for item in context.cluster.list(kind, _OURS)} if live else {}
        for kind in kinds
    }
    return {
        name: scaling_of(one.wanted, there[HPA].get(name), there.get(SCALED_OBJECT, {}).get(name))
        for name, one in live.items()
    }


def alerts(context: EnvironmentContext) -> tuple[list[Alert] | None, str]:
    """What fires about the environment, None where nobody knows, and then why; nothing fires without monitoring."""
    monitoring = planning(context.settings).monitoring
    if monitoring is None:
        return [], ""
    try:
        return Prometheus(context.cluster, monitoring.prometheus).alerts(fitted(context.name)), ""
    except Silent as silent:
        return None, str(silent)


def scaling_json(scaling: Scaling | None) -> dict[str, Any] | None:
    """As a row of `slipway status --json` has it."""
    if scaling is None:
        return None
    values = asdict(scaling)
    return {"by": values.pop("by"), "min": values.pop("least"), "max": values.pop("most"), **values}


def alerts_json(found: Sequence[Alert] | None, model: str | None) -> list[dict[str, Any]] | None:
    """What fires about one model, or about none, as JSON values; None where nobody knows."""
    if found is None:
        return None
    fields = ("name", "severity", "since", "summary")
    return [{field: getattr(one, field) for field in fields} for one in found if one.model == model]


def alert_lines(found: Sequence[Alert] | None, why_not: str) -> list[str]:
    """For people, below a table."""
    if found is None:
        return [f"alerts are not known: {why_not}"]
    return [
        f"alert {one.name} ({one.severity}) of {one.model or 'the environment'} since {one.since}: {one.summary}"
        for one in found
    ]
