"""Set the weights of the model's HTTPRoute, and only while it belongs to this rollout."""

import time
from typing import Any

from slipway_judge.cluster.api import Api, ConflictError, MissingError
from slipway_judge.telemetry.log import log
from slipway_judge.values.plan import Plan

ANNOTATION = "slipway.dev/rollout"
_ANNOTATION_PATH = "/metadata/annotations/slipway.dev~1rollout"
LEAST_WEIGHT = 1
"""One in a million, as the weights of a rule add up to that: between no calls and any, both ways.

Envoy Gateway makes a cluster of a Service with a weight and drops it at weight 0. Envoy drops it before it has the new
route, and may have a route before the new cluster is warm: calls on their way there got 500 (Envoy Gateway 1.9.1: 29 of
2164 were lost so, and 0 of 4510 by way of the least weight). The old release keeps it at 100 %.
"""
LEAST_FOR_S = 3.0
"""For so long, seconds."""


class Route:
    """The HTTPRoute of a model under a rollout."""

    def __init__(self, api: Api, plan: Plan, least_for_s: float = LEAST_FOR_S) -> None:
        self._api, self._plan, self._least_for_s = api, plan, least_for_s
        self._path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{plan.namespace}/httproutes/{plan.model}"
        self._share: float | None = None
        self._since = 0.0

    async def set(self, share: float) -> bool:
        """Give the new release this share of the calls, 0..1; return whether the route is this rollout's.

        Between none and any it has the least weight, until a later call of this.

        Raises:
            UnreachableError: nobody can tell.
        """
        if share != self._share:
            self._share, self._since = share, time.monotonic()
        try:
            route = await self._api.get(self._path)
            if not is_of(route, self._plan):
                return False
            settled = time.monotonic() - self._since > self._least_for_s
            operations = changes(route, self._plan, share, settled=settled)
            if operations:
                await self._api.patch(self._path, operations)
                log("weights set", percent=round(100 * share, 3))
                if not settled:
                    self._since = time.monotonic()
        except (MissingError, ConflictError):
            # Another wrote in between: the next look tells whose the route is now.
            return False
        return True


def is_of(route: dict[str, Any], plan: Plan) -> bool:
    """Return whether a route belongs to this rollout."""
    return bool((route["metadata"].get("annotations") or {}).get(ANNOTATION) == plan.id)


def changes(route: dict[str, Any], plan: Plan, share: float, *, settled: bool) -> list[dict[str, Any]]:
    """Return the JSON patch that gives the new release its share; empty when it has it.

    Each weight is set only where the patch finds the rollout's id and the right Service: nothing else is ever changed.

    Args:
        route: as it is.
        plan: the rollout.
        share: of the calls, 0..1.
        settled: where the new release goes from none to any or back, it has had the least weight for long enough.
    """
    total = plan.route.weight
    most = total - LEAST_WEIGHT
    wanted = {plan.route.weighted: min(most, max(LEAST_WEIGHT, round(total * share))) if share > 0 else 0}
    wanted |= dict.fromkeys(plan.route.following, most if share > 0 else 0)
    operations: list[dict[str, Any]] = []
    for rule, given in sorted(wanted.items()):
        backends = _backends(route, rule)
        has_any = backends[1].get("weight", 1) != 0
        new = given if settled or has_any == (given > 0) else LEAST_WEIGHT
        sides = ((plan.old.service, total - new), (plan.new.service, new))
        for index, ((service, weight), backend) in enumerate(zip(sides, backends, strict=True)):
            if backend.get("weight", 1) != weight:
                path = f"/spec/rules/{rule}/backendRefs/{index}"
                operations.append({"op": "test", "path": f"{path}/name", "value": service})
                operations.append({"op": "add", "path": f"{path}/weight", "value": weight})
    if not operations:
        return []
    return [{"op": "test", "path": _ANNOTATION_PATH, "value": plan.id}, *operations]


def _backends(route: dict[str, Any], rule: int) -> list[dict[str, Any]]:
    """Return the two backends of a rule; of those that are missing, the API server will refuse the patch."""
    rules = route["spec"].get("rules", [])
    found = rules[rule].get("backendRefs", []) if rule < len(rules) else []
    return [*found[:2], *({"weight": None} for _ in range(2 - len(found)))]
