"""`up` waits for the gateway and for routes, says for what, and not for ever."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.deploy.gateway import GATEWAY_LIMIT_S, ROUTE_LIMIT_S, GatewayNotReady, GatewayWatcher
from slipway.errors.failures import Interrupted
from slipway.errors.reaching import ClusterUnreachable
from slipway.plan.traffic import Traffic
from slipway.render.environment import render_environment
from slipway.values.names import KEYS, KEYS_DATABASE, environment_labels, judge_selector, model_labels
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import gateway_plan


def said(kind: str, status: str = "True", generation: int = 1, message: str = "") -> dict[str, Any]:
    one = {"type": kind, "status": status, "observedGeneration": generation, "reason": "Because", "message": message}
    return {"conditions": [one]}


def both(*, resolved: str = "True", message: str = "") -> dict[str, Any]:
    parts = said("Accepted")["conditions"] + said("ResolvedRefs", resolved, message=message)["conditions"]
    return {"conditions": parts}


def route_to(name: str, like: str = "least") -> Traffic:
    """The route of a model, as that of one of the fixtures' is planned."""
    traffic = gateway_plan("own").find(like, Path()).traffic
    assert traffic is not None
    return replace(traffic, model=name)


class World:
    """A cluster with a gateway, on a clock of its own; `then` happens at the seconds given."""

    def __init__(self) -> None:
        self.cluster, self.now = FakeCluster(), 0.0
        self.then: dict[float, Any] = {}
        self.told: list[str] = []

    def put(self, kind: str, name: str, status: dict[str, Any], **more: Any) -> None:
        metadata = {"name": name, "generation": 1, "labels": environment_labels("local") | more.pop("labels", {})}
        self.cluster._put({"kind": kind, "metadata": metadata, "status": status, **more})

    def deployment(self, available: int) -> None:
        counts = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": available}
        spec = {"replicas": 2, "selector": {"matchLabels": {"app.kubernetes.io/component": "keys"}}}
        self.put("Deployment", "keys", counts, spec=spec)

    def pause(self, seconds: float) -> bool:
        self.now += seconds
        for at in [at for at in self.then if at <= self.now]:
            self.then.pop(at)()
        return False

    def watcher(self) -> GatewayWatcher:
        return GatewayWatcher(self.cluster, self.pause, lambda: self.now)


@pytest.fixture
def world() -> World:
    made = World()
    made.deployment(2)
    made.put("Gateway", "gateway", said("Programmed"))
    for kind in ("BackendTrafficPolicy", "SecurityPolicy"):
        made.put(kind, "digits", {"ancestors": [said("Accepted")]})
    made.put("HTTPRoute", "digits", {"parents": [both()]})
    return made


def test_a_gateway_that_is_there_is_not_waited_for(world: World) -> None:
    world.watcher().wait(world.told.append)
    world.watcher().wait_for_route(route_to("digits"), world.told.append)
    assert (world.now, world.told) == (0.0, [])


def test_it_is_told_what_is_waited_for_until_it_is_there(world: World) -> None:
    world.deployment(1)
    world.put("Gateway", "gateway", said("Programmed", "False", message="no address yet"))
    world.then = {3: lambda: world.deployment(2), 7: lambda: world.put("Gateway", "gateway", said("Programmed"))}
    world.watcher().wait(world.told.append)
    assert world.now == 7
    assert world.told == [
        "waiting for the gateway: Deployment keys has 1 of 2 replicas",
        "waiting for the gateway: Gateway gateway is not Programmed: Because: no address yet",
    ]


def test_what_was_said_about_the_object_before_its_change_does_not_count(world: World) -> None:
    world.put("Gateway", "gateway", said("Programmed", generation=0))
    world.then = {2: lambda: world.put("Gateway", "gateway", said("Programmed"))}
    world.watcher().wait(world.told.append)
    assert world.now == 2


def test_a_gateway_that_does_not_come_ends_the_wait_with_all_reasons(world: World) -> None:
    world.deployment(0)
    del world.cluster.objects["Gateway", "gateway"]
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}, "name": "keys"}
    pod = {"containerStatuses": [waiting | {"ready": False, "restartCount": 0}], "phase": "Pending"}
    world.put("Pod", "keys-1", pod, labels={"app.kubernetes.io/component": "keys"}, spec={})
    with pytest.raises(GatewayNotReady) as failed:
        world.watcher().wait(world.told.append)
    assert world.now == GATEWAY_LIMIT_S
    assert failed.value.exit_code == 2
    text = str(failed.value)
    assert "the gateway in namespace slipway was not ready after 300 s" in text
    assert "Deployment keys has 0 of 2 replicas; " in text
    assert "manifest unknown" in text
    assert "Gateway gateway is not there" in text


def test_each_deployment_of_the_environment_is_waited_for_and_no_models_and_no_judges(world: World) -> None:
    own = [item for item in render_environment(gateway_plan("own")) if item["kind"] == "Deployment"]
    assert {item["metadata"]["name"] for item in own} == {KEYS, KEYS_DATABASE}
    labels = (model_labels("local", "sums", "1.0.0", "0" * 16), judge_selector("sums"))
    others = [{"kind": "Deployment", "metadata": {"name": f"other-{i}", "labels": of}} for i, of in enumerate(labels)]
    for item in [*own, *others]:
        spec = item.get("spec", {"selector": {"matchLabels": {}}})
        world.cluster._put({**item, "spec": spec, "status": {"observedGeneration": 1}})
    with pytest.raises(GatewayNotReady) as failed:
        world.watcher().wait(world.told.append)
    told = {line.split()[1] for line in str(failed.value).splitlines() if "replicas" in line}
    assert told == {KEYS, KEYS_DATABASE}


def test_a_route_whose_service_is_not_there_is_no_route(world: World) -> None:
    world.put("HTTPRoute", "digits", {"parents": [both(resolved="False", message="service digits not found")]})
    with pytest.raises(
        GatewayNotReady, match="HTTPRoute digits is not ResolvedRefs: Because: service digits not found"
    ):
        world.watcher().wait_for_route(route_to("digits"), world.told.append)
    assert world.now == ROUTE_LIMIT_S


def test_a_route_over_grpc_is_waited_for_where_there_is_one(world: World) -> None:
    world.put("GRPCRoute", "digits", {"parents": [both(resolved="False", message="no port 8081")]})
    world.then = {3: lambda: world.put("GRPCRoute", "digits", {"parents": [both()]})}
    world.watcher().wait_for_route(route_to("digits", "spoken"), world.told.append)
    assert world.now == 3
    assert world.told == [
        "waiting for the route of model digits: GRPCRoute digits is not ResolvedRefs: Because: no port 8081"
    ]


@pytest.mark.parametrize("kind", ["BackendTrafficPolicy", "SecurityPolicy"])
def test_a_policy_that_is_not_accepted_keeps_the_route_waiting(world: World, kind: str) -> None:
    world.put(kind, "digits", {"ancestors": [said("Accepted", "False", message="conflicts with another")]})
    with pytest.raises(GatewayNotReady, match=f"{kind} digits is not Accepted: Because: conflicts with another"):
        world.watcher().wait_for_route(route_to("digits"), world.told.append)
    world.put(kind, "digits", {})
    with pytest.raises(GatewayNotReady, match=f"{kind} digits is not Accepted yet: Envoy Gateway has not said"):
        world.watcher().wait_for_route(route_to("digits"), world.told.append)


def test_an_api_server_that_restarts_is_waited_for_too(world: World) -> None:
    world.cluster.down = True
    world.then = {20: lambda: setattr(world.cluster, "down", False)}
    world.watcher().wait(world.told.append)
    assert world.now == 20
    world.cluster.down = True
    with pytest.raises(ClusterUnreachable):
        world.watcher().wait(world.told.append)


def test_a_cancelled_run_waits_no_longer(world: World) -> None:
    world.deployment(0)
    with pytest.raises(Interrupted):
        GatewayWatcher(world.cluster, lambda _: True, lambda: world.now).wait(world.told.append)
