"""Wait until an environment's gateway lets calls in, until it knows a model's route, or a fleet's control side runs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slipway.cluster.pod_trouble import trouble_of
from slipway.deploy.ports import ClusterApi
from slipway.errors.base import DeployError
from slipway.errors.failures import Interrupted
from slipway.errors.reaching import ClusterUnreachable
from slipway.plan.traffic import Traffic
from slipway.values import names
from slipway.values.aliases import Json, Tell

GATEWAY_LIMIT_S = 300.0
"""Images are pulled, a volume is bound, a database is made; a load balancer of a cloud takes two minutes."""
ROUTE_LIMIT_S = 60.0
"""Envoy Gateway takes up a change within a second or two."""
_POLL_S = 0.5
_OWN = f"app.kubernetes.io/managed-by={names.MANAGED_BY},!app.kubernetes.io/name,!{names.CANDIDATE_LABEL}"
"""Selects the Deployments of the gateway: what has a name is a model's, and a judge's is of a rollout."""
_POLICIES = ("BackendTrafficPolicy", "SecurityPolicy")


class GatewayNotReady(DeployError):
    """A gateway, a route behind it, or the control side of a fleet was not ready in time. `reasons`: why."""

    def __init__(self, what: str, namespace: str, waited_s: float, reasons: list[str]) -> None:
        lines = "\n  ".join(reasons)
        super().__init__(
            f"{what} in namespace {namespace} was not ready after {waited_s:.0f} s:\n  {lines}\nnext: correct what the "
            "reasons name (`kubectl describe` of each object shows all that its controller says), then run the command "
            "again"
        )


@dataclass(frozen=True)
class GatewayWatcher:
    """Watches the gateway of one namespace. `pause` waits for some seconds and says whether the run was cancelled."""

    cluster: ClusterApi
    pause: Callable[[float], object]
    clock: Callable[[], float] = time.monotonic

    def wait(self, tell: Tell) -> None:
        """Wait until Envoy listens, and the keys service and its database run.

        Raises:
            GatewayNotReady: not within `GATEWAY_LIMIT_S`.
            ClusterUnreachable: the API server did not answer when the time was up.
            Interrupted: the run was cancelled.
        """
        self._until("the gateway", self._of_gateway, GATEWAY_LIMIT_S, tell)

    def wait_for_route(self, traffic: Traffic, tell: Tell) -> None:
        """Wait until Envoy Gateway has accepted the routes of a model and its policies; raises as `wait`."""
        self._until(f"the route of model {traffic.model}", lambda: list(self._of_routes(traffic)), ROUTE_LIMIT_S, tell)

    def wait_for_fleet(self, tell: Tell) -> None:
        """Wait until the control side of a fleet runs as its stack has it; raises as `wait`."""
        self._until("the control side", self._of_fleet, GATEWAY_LIMIT_S, tell)

    def _of_fleet(self) -> list[str]:
        deployment = self.cluster.read("Deployment", names.FLEET)
        reason = "its Deployment is not there" if deployment is None else self._of_deployment(deployment)
        return [reason] if reason is not None else []

    def _until(self, what: str, look: Callable[[], list[str]], limit_s: float, tell: Tell) -> None:
        started, told = self.clock(), ""
        while True:
            over = self.clock() - started >= limit_s
            try:
                reasons = look()
            except ClusterUnreachable:
                if over:
                    raise
                reasons = ["the API server does not answer"]
            if not reasons:
                return
            if over:
                raise GatewayNotReady(what, self.cluster.namespace, limit_s, reasons)
            if reasons[0] != told:
                told = reasons[0]
                tell(f"waiting for {what}: {told}")
            if self.pause(_POLL_S):
                raise Interrupted

    def _of_gateway(self) -> list[str]:
        reasons = [
            reason
            for deployment in self.cluster.list("Deployment", _OWN)
            if (reason := self._of_deployment(deployment)) is not None
        ]
        gateway = self.cluster.read("Gateway", names.GATEWAY)
        if gateway is None:
            return [*reasons, f"Gateway {names.GATEWAY} is not there"]
        return [*reasons, *_missing(f"Gateway {names.GATEWAY}", gateway, gateway.get("status") or {}, ("Programmed",))]

    def _of_deployment(self, deployment: Json) -> str | None:
        """What one of the gateway's own Deployments waits for; None when its rollout is complete."""
        metadata, status = deployment["metadata"], deployment.get("status") or {}
        wanted = deployment["spec"].get("replicas", 1)
        seen = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
        updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
        if seen and updated >= wanted and available >= wanted and status.get("replicas", 0) <= updated:
            return None
        selected = deployment["spec"]["selector"]["matchLabels"]
        pods = self.cluster.list("Pod", ",".join(f"{key}={value}" for key, value in selected.items()))
        trouble = next((found.text for pod in pods if (found := trouble_of(pod)) is not None), None)
        text = f"Deployment {metadata['name']} has {available} of {wanted} replicas"
        return f"{text}; {trouble}" if trouble else text

    def _of_routes(self, traffic: Traffic) -> Iterator[str]:
        model = traffic.model
        for kind in ("HTTPRoute", *(["GRPCRoute"] if traffic.grpc is not None else [])):
            route = self.cluster.read(kind, model)
            if route is None:
                yield f"{kind} {model} is not there"
                return
            for parent in (route.get("status") or {}).get("parents") or [{}]:
                yield from _missing(f"{kind} {model}", route, parent, ("Accepted", "ResolvedRefs"))
        for kind in _POLICIES:
            policy = self.cluster.read(kind, model)
            for ancestor in ((policy or {}).get("status") or {}).get("ancestors") or [{}]:
                yield from _missing(f"{kind} {model}", policy or {}, ancestor, ("Accepted",))


def _missing(what: str, item: Json, status: Json, wanted: tuple[str, ...]) -> Iterator[str]:
    """Which conditions of a status do not hold for the object as it is now, each with what its controller says."""
    generation = (item.get("metadata") or {}).get("generation", 0)
    conditions = {one["type"]: one for one in status.get("conditions") or []}
    for name in wanted:
        found = conditions.get(name)
        if found is None or found.get("observedGeneration", 0) < generation:
            yield f"{what} is not {name} yet: Envoy Gateway has not said anything about it"
        elif found.get("status") != "True":
            yield f"{what} is not {name}: {found.get('reason', '')}: {found.get('message', '')}"
