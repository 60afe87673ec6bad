"""What becomes of a model's manifests in a rollout, where golden files do not show the rule."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.plan.rollout import Sticky
from slipway.render.model import placeholder_image, render_model
from slipway.render.rollout.candidate import candidate_objects, pinned
from slipway.render.rollout.judge import judge_objects
from slipway.render.rollout.route import judged_route, quiet
from tests.support.planned import feedback_plan, scaling_plan
from tests.support.rollouts import PODS, REPLICAS, new_release, rollout_of

NEW = new_release()
MANIFESTS = render_model(NEW, placeholder_image(NEW))


def rules_of(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    (route,) = [one for one in manifests if one["kind"] == "HTTPRoute"]
    return list(route["spec"]["rules"])


def values_of(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set().union(*map(values_of, node.values()), set())
    if isinstance(node, list):
        return set().union(*map(values_of, node), set())
    return {node} if isinstance(node, str) else set()


def test_manifests_of_a_release_are_not_changed_by_what_is_made_of_them() -> None:
    before = render_model(NEW, placeholder_image(NEW))
    candidate_objects(MANIFESTS, REPLICAS)
    pinned(MANIFESTS, REPLICAS)
    judged_route(MANIFESTS, rollout_of(NEW, headers=True), 0.5, judge=True)
    assert before == MANIFESTS


def test_feedback_goes_to_the_keys_service_all_through_a_rollout_and_its_end() -> None:
    model = feedback_plan().find("classes", Path())
    manifests = render_model(model, placeholder_image(model))
    plain, feedback = rules_of(manifests)
    judged = rules_of(judged_route(manifests, rollout_of(model, headers=True), 0.5, judge=True))
    assert [one for one in judged if one["matches"] == feedback["matches"]] == [feedback]
    assert judged[-1] == feedback and judged[0]["matches"] == plain["matches"]
    assert quiet(judged)[-1] == feedback
    assert all(match["headers"] for rule in quiet(judged)[1:-1] for match in rule["matches"])


def test_no_selector_of_a_candidate_selects_pods_of_the_model_nor_the_reverse() -> None:
    for manifest in candidate_objects(MANIFESTS, REPLICAS):
        text = values_of(manifest)
        assert f"{NEW.name}-candidate" in text
        if manifest["kind"] != "Deployment":
            assert manifest["metadata"]["labels"]["app.kubernetes.io/name"] == f"{NEW.name}-candidate"
            spec = manifest["spec"]
            selector = spec.get("selector") or spec["podSelector"]
            assert selector.get("matchLabels", selector)["app.kubernetes.io/name"] == f"{NEW.name}-candidate"


def test_a_release_that_scales_by_itself_has_at_least_so_many_replicas_and_never_falls_asleep() -> None:
    for model in scaling_plan("measured").models:
        before = render_model(model, placeholder_image(model))
        for one, was in zip(pinned(before, 5), before, strict=True):
            if one["kind"] == "ScaledObject":
                assert one["spec"]["minReplicaCount"] == max(5, was["spec"]["minReplicaCount"])
                assert one["spec"]["maxReplicaCount"] >= one["spec"]["minReplicaCount"]
                assert "idleReplicaCount" not in one["spec"]
            elif one["kind"] == "HorizontalPodAutoscaler":
                assert one["spec"]["minReplicas"] == max(5, was["spec"]["minReplicas"])
                assert one["spec"]["maxReplicas"] >= one["spec"]["minReplicas"]
            elif one["kind"] != "Deployment":
                assert one == was


def test_more_replicas_than_asked_for_stay() -> None:
    (deployment,) = [one for one in pinned(candidate_objects(MANIFESTS, 4), 2) if one["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == 4


@pytest.mark.parametrize(
    ("prometheus", "ports"),
    [("http://metrics.monitoring", [80, 9090]), ("https://metrics.example:8443/prom", [8443, 9090])],
)
def test_the_judge_may_connect_to_prometheus_wherever_its_address_leads(prometheus: str, ports: list[int]) -> None:
    objects = judge_objects(replace(rollout_of(NEW), prometheus=prometheus), PODS)
    (policy,) = [one for one in objects if one["kind"] == "NetworkPolicy"]
    assert [port["port"] for port in policy["spec"]["egress"][-1]["ports"]] == ports


def test_a_caller_who_stays_by_key_sends_the_keys_service_no_further_header() -> None:
    way_in = judged_route(MANIFESTS, replace(rollout_of(NEW), sticky=Sticky("key")), 0.0, judge=True)
    (policy,) = [one for one in way_in if one["kind"] == "SecurityPolicy"]
    (plain,) = [one for one in MANIFESTS if one["kind"] == "SecurityPolicy"]
    assert policy["spec"]["extAuth"]["headersToExtAuth"] == plain["spec"]["extAuth"]["headersToExtAuth"]
    assert policy["spec"]["extAuth"]["recomputeRoute"]


def test_a_quiet_route_gives_all_calls_to_its_first_rule_and_replays_none() -> None:
    rules = rules_of(judged_route(MANIFESTS, rollout_of(NEW, headers=True), 0.5, judge=True))
    first, *others = quiet(rules)
    assert "headers" not in first["matches"][0]
    assert first["backendRefs"] == rules[0]["backendRefs"]
    assert len(others) == 3
    for rule in others:
        assert [header["value"] for header in rule["matches"][0]["headers"]] == ["none"]
    assert not [one for rule in (first, *others) for one in rule["filters"] if one["type"] == "RequestMirror"]
