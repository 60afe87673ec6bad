"""Render what an environment has for its teams: a PriorityClass for each, and a ResourceQuota where one is written."""

from collections.abc import Iterator
from typing import Any

from slipway.environments.planning.kinds import planning
from slipway.plan.model import Plan
from slipway.render.environment_objects import PRIORITY_CLASS
from slipway.render.templates import Manifest, rendered
from slipway.settings.teams import PRIORITY_MOST, Quota
from slipway.values import names
from slipway.values.quantities import format_bytes, format_cpu

PLATFORM_PRIORITY = PRIORITY_MOST + 1
"""No model stops the pods that its calls come through."""
_FOLDER = "kubernetes/environment"


def render_teams(plan: Plan) -> list[Manifest]:
    """Render the objects of an environment's teams; none where its settings name no team."""
    return list(_objects(plan)) if plan.settings.teams is not None else []


def platform_class(plan: Plan) -> str | None:
    """The PriorityClass of the environment's own pods; None where models have no priorities."""
    return None if plan.settings.teams is None else names.platform_class(plan.settings.namespace)


def priority_classes_of(plan: Plan) -> set[str]:
    """Names of the PriorityClasses that an environment has."""
    return {one["metadata"]["name"] for one in render_teams(plan) if one["kind"] == PRIORITY_CLASS}


def _objects(plan: Plan) -> Iterator[Manifest]:
    namespace, labels = plan.settings.namespace, names.environment_labels(plan.environment)
    teams = plan.settings.teams or {}
    for team, given in teams.items():
        name = names.priority_class(namespace, team, given.priority)
        yield _class(name, given.priority, f"Models of team {team} in environment {plan.environment}", labels)
    if planning(plan.settings).gateway is not None:
        about = f"Gateway and keys of environment {plan.environment}, above all of its models"
        yield _class(names.platform_class(namespace), PLATFORM_PRIORITY, about, labels)
    for team, given in teams.items():
        if given.quota is not None:
            values = {
                "quota_name": names.team_quota(team),
                "namespace": namespace,
                "labels": labels,
                "team": team,
                "quota_hard": _hard(given.quota, plan),
                "quota_classes": [names.priority_class(namespace, team, given.priority)],
            }
            yield from rendered(_FOLDER, ["team_quota"], values)


def _class(name: str, value: int, description: str, labels: dict[str, str]) -> Manifest:
    values = {"class_name": name, "class_value": value, "class_description": description, "labels": labels}
    (manifest,) = rendered(_FOLDER, ["priority_class"], values)
    return manifest


def _hard(quota: Quota, plan: Plan) -> dict[str, Any]:
    """The limits by Kubernetes' names; of GPUs, the same for each kind of unit that the pools offer."""
    units = dict.fromkeys(pool.gpu.resource for pool in plan.pools if pool.gpu is not None)
    return {
        **({"requests.cpu": format_cpu(quota.cpu)} if quota.cpu is not None else {}),
        **({"requests.memory": format_bytes(quota.memory)} if quota.memory is not None else {}),
        **({f"requests.{unit}": str(quota.gpus) for unit in units} if quota.gpus is not None else {}),
    }
