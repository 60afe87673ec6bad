"""Set the weights of the model's HTTPRoute, and only while it belongs to this rollout."""

from typing import Any

from slipway_judge.cluster.api import Api, ConflictError, MissingError
from slipway_judge.telemetry.log import log
from slipway_judge.values.plan import Plan

ANNOTATION = "slipway.dev/rollout"
_ANNOTATION_PATH = "/metadata/annotations/slipway.dev~1rollout"


class Route:
    """The HTTPRoute of a model under a rollout."""

    def __init__(self, api: Api, plan: Plan) -> None:
        self._api, self._plan = api, plan
        self._path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{plan.namespace}/httproutes/{plan.model}"

    async def set(self, share: float) -> bool:
        """Give the new release this share of the calls, 0..1; return whether the route is this rollout's.

        Raises:
            UnreachableError: nobody can tell.
        """
        try:
            route = await self._api.get(self._path)
            if not is_of(route, self._plan):
                return False
            operations = changes(route, self._plan, share)
            if operations:
                await self._api.patch(self._path, operations)
                log("weights set", percent=round(100 * share, 3))
        except (MissingError, ConflictError):
            # Another wrote in between: the next look tells whose the route is now.
            return False
        return True


def is_of(route: dict[str, Any], plan: Plan) -> bool:
    """Return whether a route belongs to this rollout."""
    return bool((route["metadata"].get("annotations") or {}).get(ANNOTATION) == plan.id)


def changes(route: dict[str, Any], plan: Plan, share: float) -> list[dict[str, Any]]:
    """Return the JSON patch that gives the new release its share; empty when it has it.

    Each weight is set only where the patch finds the rollout's id and the right Service: nothing else is ever changed.
    """
    rules = plan.route
    new = round(rules.weight * share)
    wanted = {rules.weighted: new} | dict.fromkeys(rules.following, rules.weight if share > 0 else 0)
    found = route["spec"]["rules"]
    operations: list[dict[str, Any]] = []
    for rule, weight in sorted(wanted.items()):
        for index, (service, value) in enumerate(
            ((plan.old.service, rules.weight - weight), (plan.new.service, weight))
        ):
            backend = _backend(found, rule, index)
            if backend.get("weight", 1) == value:
                continue
            path = f"/spec/rules/{rule}/backendRefs/{index}"
            operations.append({"op": "test", "path": f"{path}/name", "value": service})
            operations.append({"op": "add", "path": f"{path}/weight", "value": value})
    if not operations:
        return []
    return [{"op": "test", "path": _ANNOTATION_PATH, "value": plan.id}, *operations]


def _backend(rules: list[dict[str, Any]], rule: int, index: int) -> dict[str, Any]:
    backends = rules[rule].get("backendRefs", []) if rule < len(rules) else []
    # Where it is missing, the API server refuses the patch.
    return backends[index] if index < len(backends) else {"weight": None}
