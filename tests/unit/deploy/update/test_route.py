"""Weights of a route: nobody's calls are dropped when a rollout ends, and the engine owns the rules again."""

from typing import Any

import pytest

from slipway.deploy.update.route import all_to_stable, free_route, share_of_candidate
from slipway.errors.failures import Interrupted
from slipway.values.names import ROLLOUT_ANNOTATION
from tests.support.fake_cluster import FakeCluster

TOTAL = 1_000_000
MIRROR = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "digits-judge"}}}
REWRITE = {"type": "URLRewrite"}


def rule(old: int | None, new: int | None, *headers: str) -> dict[str, Any]:
    """A rule with the weights of both Services; with None it has not that one."""
    weights = {"digits": old, "digits-candidate": new}
    refs = [{"name": name, "weight": weight} for name, weight in weights.items() if weight is not None]
    match = {"headers": [{"name": name} for name in headers]} if headers else {}
    return {"filters": [REWRITE, MIRROR], "matches": [match], "backendRefs": refs}


def cluster_with(*rules: dict[str, Any], **metadata: Any) -> FakeCluster:
    cluster = FakeCluster()
    route = {"name": "digits", "annotations": {ROLLOUT_ANNOTATION: "3f2a9c01b4de", "slipway.dev/route": "{}"}}
    cluster._put({"kind": "HTTPRoute", "metadata": route | metadata, "spec": {"rules": list(rules)}})
    return cluster


def ended(cluster: FakeCluster) -> list[list[tuple[int, ...]]]:
    """The weights at each moment at which the route is left to settle, and at last."""
    seen: list[list[tuple[int, ...]]] = []

    def pause(_: float) -> bool:
        rules = cluster.objects["HTTPRoute", "digits"]["spec"]["rules"]
        seen.append([tuple(ref["weight"] for ref in one["backendRefs"]) for one in rules])
        return False

    all_to_stable(cluster, "digits", pause)
    pause(0)
    return seen


@pytest.mark.parametrize(
    ("old", "new", "on_the_way"),
    [
        (750_000, 250_000, [[(750_000, 250_000)], [(TOTAL - 1, 1)], [(TOTAL, 0)]]),
        (0, TOTAL, [[(1, TOTAL - 1)], [(TOTAL - 1, 1)], [(TOTAL, 0)]]),
        (1, TOTAL - 1, [[(1, TOTAL - 1)], [(TOTAL - 1, 1)], [(TOTAL, 0)]]),
        (TOTAL, 0, [[(TOTAL, 0)], [(TOTAL, 0)]]),
    ],
)
def test_between_none_and_many_there_is_the_least_weight(old: int, new: int, on_the_way: Any) -> None:
    assert ended(cluster_with(rule(old, new))) == on_the_way


def test_the_rollout_and_its_judge_are_gone_from_the_route_and_all_else_stays() -> None:
    cluster = cluster_with(rule(750_000, 250_000), rule(None, 1, "x-variant"))
    ended(cluster)
    route = cluster.objects["HTTPRoute", "digits"]
    assert route["metadata"]["annotations"] == {"slipway.dev/route": "{}"}
    first, second = route["spec"]["rules"]
    assert first["filters"] == second["filters"] == [REWRITE]
    assert share_of_candidate(cluster, "digits") == 0


def test_where_no_rollout_is_nothing_changes_and_nobody_waits() -> None:
    plain = {"filters": [REWRITE], "matches": [{}], "backendRefs": [{"name": "digits"}]}
    cluster = cluster_with(plain, annotations={})
    version = cluster.objects["HTTPRoute", "digits"]["metadata"]["resourceVersion"]
    all_to_stable(cluster, "digits", lambda _: True)
    free_route(cluster, "digits")
    assert cluster.objects["HTTPRoute", "digits"]["metadata"]["resourceVersion"] == version
    all_to_stable(FakeCluster(), "digits", lambda _: True)  # no route at all


def test_a_run_that_is_cancelled_stops_on_the_way() -> None:
    with pytest.raises(Interrupted):
        all_to_stable(cluster_with(rule(750_000, 250_000)), "digits", lambda _: True)


def test_the_rules_are_the_engines_again_and_the_status_its_controllers() -> None:
    of_rules: dict[str, Any] = {"fieldsV1": {"f:spec": {"f:rules": {}}}}
    engine, judge = {"manager": "pulumi-kubernetes-1a", **of_rules}, {"manager": "slipway-judge", **of_rules}
    status = {"manager": "envoy-gateway", "subresource": "status", "fieldsV1": {"f:status": {}}}
    cluster = cluster_with(rule(1, 1), managedFields=[engine, judge, status])
    free_route(cluster, "digits")
    assert cluster.objects["HTTPRoute", "digits"]["metadata"]["managedFields"] == [engine, status]
    only = cluster_with(rule(1, 1), managedFields=[judge])
    free_route(only, "digits")
    assert only.objects["HTTPRoute", "digits"]["metadata"]["managedFields"] == [{}]
