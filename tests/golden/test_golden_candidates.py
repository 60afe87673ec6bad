"""What a rollout puts beside a model, byte for byte: the new release's objects, the judge's, the route to both."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.policy.resource import of_manifests
from slipway.policy.resources import violations
from slipway.render.model import placeholder_image, render_model
from slipway.render.rollout.candidate import candidate_objects
from slipway.render.rollout.judge import JudgePods, judge_objects
from slipway.render.rollout.route import judged_route
from slipway.render.yaml import to_yaml
from tests.support.rollouts import PODS, REPLICAS, new_release, rollout_of

HERE = Path(__file__).parent / "candidates"
NEW = new_release()
MANIFESTS = render_model(NEW, placeholder_image(NEW))
ROLLOUT = rollout_of(NEW)
Golden = Callable[[Path, str], None]


def test_a_candidate_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    golden(HERE / "candidate.yaml", to_yaml(candidate_objects(MANIFESTS, REPLICAS)))


def test_a_judge_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    golden(HERE / "judge.yaml", to_yaml(judge_objects(ROLLOUT, PODS)))


def test_a_judge_runs_where_the_gateways_own_pods_do(golden: Golden) -> None:
    system = {"slipway.dev/pool": "system"}
    pods = JudgePods(PODS.image, "pull", "slipway.slipway.platform", system, ({"key": "system", "operator": "Exists"},))
    golden(HERE / "judge-placed.yaml", to_yaml(judge_objects(ROLLOUT, pods)))


@pytest.mark.parametrize(("name", "share", "judge"), [("begun", 0.0, True), ("concluded", 1.0, False)])
def test_the_route_to_both_releases_is_the_golden_one(name: str, share: float, judge: bool, golden: Golden) -> None:
    route = [one for one in judged_route(MANIFESTS, ROLLOUT, share, judge=judge) if one["kind"] == "HTTPRoute"]
    golden(HERE / f"route-{name}.yaml", to_yaml(route))


def test_the_way_in_for_callers_that_stay_with_a_release_is_the_golden_one(golden: Golden) -> None:
    kinds = ("HTTPRoute", "SecurityPolicy")
    way_in = judged_route(MANIFESTS, rollout_of(NEW, headers=True), 0.05, judge=True)
    golden(HERE / "route-headers.yaml", to_yaml([one for one in way_in if one["kind"] in kinds]))


def test_a_rollout_breaks_no_rule_of_the_policy() -> None:
    manifests = [*candidate_objects(MANIFESTS, REPLICAS), *judge_objects(ROLLOUT, PODS)]
    resources = list(of_manifests(manifests))
    assert resources
    assert [(one.rule.id, one.resource.name, one.problem) for one in violations(resources)] == []
