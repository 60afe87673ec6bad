"""Lead all calls of a model to its own Service when a rollout ends, and give the route back to the engine.

Envoy Gateway makes nothing of a backend with the weight 0. Envoy drops what it was before it has the new weights, or
sends calls to what is not warm yet, and those are lost. So between none and many a backend gets the least weight for a
while ([ADR 0050](../../../../docs/adr/0050-a-rollout-goes-on-without-its-command.md)).

The rules of an HTTPRoute are one field to the API server: whoever wrote a weight owns all of them, and the engine,
which applies without force, is refused. So that ownership is taken away before a stack runs.
"""

import copy
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from slipway.deploy.ports import ClusterApi
from slipway.errors.failures import Interrupted
from slipway.errors.reaching import ApiRefused
from slipway.plan.rollout import RolloutPlan
from slipway.render.rollout.route import quiet
from slipway.values.aliases import Json
from slipway.values.names import ROLLOUT_ANNOTATION, candidate

SETTLE_S = 4.0
"""Envoy has new weights within a second or two."""
_ENGINE = "pulumi-kubernetes"
_TRIES = 5


def free_route(cluster: ClusterApi, model: str) -> None:
    """Let nobody but the engine own the rules of a model's route; nothing where no rollout has changed it."""
    _rewrite(cluster, model, _freed)


def all_to_stable(cluster: ClusterApi, model: str, pause: Callable[[float], bool]) -> None:
    """Lead all calls to the model's own Service, without losing one; the judge then changes the route no more.

    Nothing where its candidate has no part of the route. Raises `Interrupted` when the run was cancelled.
    """
    for most in (None, 1):
        changed = _rewrite(cluster, model, partial(_weighed, most=most))
        if changed and pause(SETTLE_S):
            raise Interrupted
    _rewrite(cluster, model, partial(_weighed, most=0))


def share_of_candidate(cluster: ClusterApi, model: str) -> float:
    """The largest share of calls that a rule of the route gives to the candidate, 0..1."""
    route = cluster.read("HTTPRoute", model)
    pairs = [] if route is None else [pair for rule in route["spec"]["rules"] if (pair := _pair(route, rule))]
    return max((new["weight"] / max(old["weight"] + new["weight"], 1) for old, new in pairs), default=0.0)


def is_marked(cluster: ClusterApi, rollout: RolloutPlan) -> bool:
    """Whether the route of a model is that of a rollout: it then names both releases, and is the judge's to weigh."""
    route = cluster.read("HTTPRoute", rollout.model) or {"metadata": {}}
    return bool((route["metadata"].get("annotations") or {}).get(ROLLOUT_ANNOTATION) == rollout.id)


def _rewrite(cluster: ClusterApi, model: str, change: Callable[[Json], Json]) -> bool:
    """Replace the route by what `change` makes of it, which the judge may write, too; says whether it was changed."""
    for left in reversed(range(_TRIES)):
        route = cluster.read("HTTPRoute", model)
        changed = change(copy.deepcopy(route)) if route is not None else None
        if changed is None or changed == route:
            return False
        try:
            cluster.replace(changed)
            return True
        except ApiRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            if error.status != HTTPStatus.CONFLICT or not left:
                raise
    return False


def _freed(route: Json) -> Json:
    owners = route["metadata"].get("managedFields") or []
    kept = [entry for entry in owners if not _writes_rules(entry)]
    if len(kept) < len(owners):
        # An empty list would be filled again with one owner of everything.
        route["metadata"]["managedFields"] = kept or [{}]
    return route


def _writes_rules(entry: Json) -> bool:
    """Whether an entry of managedFields is another's than the engine's, and has rules in it."""
    fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    return not str(entry.get("manager", "")).startswith(_ENGINE) and "f:rules" in fields


def _weighed(route: Json, most: int | None) -> Json:
    """The route of no rollout any more, with at most the weight `most` on the candidate, and nothing to its judge.

    With None the model's own Service gets the least weight where it has none yet.
    """
    route["spec"]["rules"] = quiet(route["spec"]["rules"])
    for rule in route["spec"]["rules"]:
        if pair := _pair(route, rule):
            old, new = pair
            total = old["weight"] + new["weight"]
            least = total - 1 if most is None else most
            new["weight"] = min(new["weight"], least)
            old["weight"] = total - new["weight"]
    (route["metadata"].get("annotations") or {}).pop(ROLLOUT_ANNOTATION, None)
    return route


def _pair(route: Json, rule: Json) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The backends of a rule for the model's own Service and for its candidate's; None where it has not both."""
    model = route["metadata"]["name"]
    by_name = {ref["name"]: ref for ref in rule.get("backendRefs") or []}
    old, new = by_name.get(model), by_name.get(candidate(model))
    if old is None or new is None:
        return None
    for ref in (old, new):
        ref.setdefault("weight", 1)
    return old, new
