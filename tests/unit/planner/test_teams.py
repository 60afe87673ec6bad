"""Teams of an environment: every model has one, what they always run is within quotas, and who goes first is said."""

from dataclasses import replace
from typing import Any

import pytest

from slipway.capacity.full_pool import FullPool
from slipway.errors.base import UserError, each
from slipway.plan.model import Plan
from slipway.planner.environment import plan
from slipway.planner.teams import full_pools, most_replicas
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.settings.kubernetes import NodePool, Settings
from slipway.settings.teams import Quota, Team
from slipway.spec.model import ModelSpec
from tests.support.planned import CODE, fixture_plan, gateway_plan
from tests.support.pools import gpu, loaded, scale, spec

SETTINGS = fixture_plan("local").settings
POOL = NodePool.model_validate({"name": "default", "max_nodes": 1, "cpu": "4", "memory": "16Gi"})
GPU_POOL = NodePool.model_validate(
    {"name": "gpu", "max_nodes": 4, "cpu": "8", "memory": "32Gi", "gpu": {"count": 2, "memory": "24Gi", "model": "L4"}}
)


def settings(pool: NodePool = POOL, **teams: Any) -> Settings:
    given = {name: Team.model_validate(team) for name, team in teams.items()} or None
    changed = SETTINGS.model_copy(update={"node_pools": (pool,), "teams": given})
    assert isinstance(changed, Settings)
    return changed


def planned(given: Settings, *models: ModelSpec) -> Plan:
    return plan("local", given, [loaded(model) for model in models], CODE)


def one(owner: str, name: str, least: int = 1, most: int = 1, cpu: str = "1", **more: Any) -> ModelSpec:
    resources = {"cpu": cpu} | more.pop("resources", {})
    return spec(name, owner=owner, scale=scale(least, most), resources=resources, **more)


VISION, BATCH = {"priority": 100, "quota": {"cpu": "3", "memory": "8Gi"}}, {"priority": 10}


def test_without_teams_a_release_is_what_it_was() -> None:
    model = one("vision", "a")
    (without,) = planned(settings(), model).models
    (with_teams,) = planned(settings(vision=VISION), model).models
    assert without.priority_class is None
    assert "priorityClassName" not in str(render_model(without, placeholder_image(without)))
    assert with_teams.priority_class == "slipway.slipway.vision.100"
    assert without.release_digest != with_teams.release_digest
    kinds = {manifest["kind"] for manifest in render_environment(planned(settings(), model))}
    assert not kinds & {"PriorityClass", "ResourceQuota"}


def test_another_priority_is_another_class_and_another_release() -> None:
    releases = {
        planned(settings(vision={"priority": value}), one("vision", "a")).models[0].release_digest
        for value in (0, 1, -1)
    }
    assert len(releases) == 3


def test_a_quota_counts_the_pods_of_its_team_s_class_and_gpus_by_the_pools_own_name() -> None:
    team = {"priority": 100, "quota": {"cpu": "8", "memory": "32Gi", "gpus": 2}}
    made = render_environment(planned(settings(GPU_POOL, vision=team)))
    (quota,) = [manifest for manifest in made if manifest["kind"] == "ResourceQuota"]
    assert quota["spec"]["hard"] == {"requests.cpu": "8", "requests.memory": "32Gi", "requests.nvidia.com/gpu": "2"}
    (scope,) = quota["spec"]["scopeSelector"]["matchExpressions"]
    (made_class,) = [manifest for manifest in made if manifest["kind"] == "PriorityClass"]
    assert (scope["scopeName"], scope["operator"], scope["values"]) == (
        "PriorityClass",
        "In",
        [made_class["metadata"]["name"]],
    )
    assert (made_class["value"], made_class["globalDefault"]) == (100, False)


def test_the_gateway_s_own_pods_are_above_every_team() -> None:
    before = gateway_plan("own")
    teams = {name: Team(priority=1_000_000) for name in {model.spec.owner for model in before.models}}
    made = render_environment(replace(before, settings=before.settings.model_copy(update={"teams": teams})))
    (platform,) = [item for item in made if item["metadata"]["name"].endswith(".platform")]
    assert platform["value"] == 1_000_001
    users = [item for item in made if platform["metadata"]["name"] in str(item["spec" if "spec" in item else "kind"])]
    assert {(item["kind"], item["metadata"]["name"]) for item in users} == {
        ("Deployment", "keys"),
        ("Deployment", "keys-database"),
        ("EnvoyProxy", "gateway"),
    }


def test_a_model_of_no_team_is_refused_with_its_line() -> None:
    with pytest.raises(
        UserError,
        match=r'least\.yaml:4: owner: "visoin" is no team of local, .* allowed: vision, batch; next: write vision, or',
    ):
        planned(settings(vision=VISION, batch=BATCH), one("visoin", "a"))


def test_minimum_replicas_and_the_extra_one_of_an_update_have_to_fit_into_the_quota() -> None:
    planned(settings(vision=VISION), one("vision", "a", 2, 2))
    with pytest.raises(UserError, match=r"scale.min: 3 replicas and the extra one .* need 4 cpu: .* vision has 3 cpu"):
        planned(settings(vision=VISION), one("vision", "a", 3, 3))


def test_models_of_a_team_share_its_quota_and_those_of_others_do_not_count() -> None:
    given = settings(vision=VISION, batch=BATCH)
    planned(given, one("vision", "a"), one("vision", "b"), one("batch", "c"))
    with pytest.raises(UserError) as refused:
        planned(
            given, one("vision", "a", 2, 2, cpu="900m"), one("vision", "b", cpu="900m"), one("batch", "c", cpu="100m")
        )
    findings = [str(finding) for finding in each(refused.value)]
    assert len(findings) == 2
    assert "need 3600m cpu together with the minimum of b" in findings[0]
    assert "raise teams.vision.quota.cpu in the settings of local" in findings[0]


def test_whoever_asks_for_no_gpu_is_not_refused_for_those_of_others() -> None:
    team = {"priority": 1, "quota": {"gpus": 1}}
    with pytest.raises(UserError) as refused:
        planned(settings(GPU_POOL, vision=team), one("vision", "a"), one("vision", "b", resources=gpu()))
    assert len(each(refused.value)) == 1
    assert "need 2 gpus together with the minimum of a: the quota of team vision has 1 gpus" in str(refused.value)


def test_a_maximum_that_a_quota_cannot_hold_is_a_warning_that_says_where_the_autoscaler_stops() -> None:
    (said,) = planned(settings(vision=VISION), one("vision", "a", 1, 4, cpu="800m")).warnings
    assert "a: scale.max: the quota of team vision is enough for 3 of 4 replicas" in said
    (said,) = planned(settings(vision=VISION), *(one("vision", name, 1, 3, cpu="600m") for name in ("a", "b"))).warnings
    assert "team vision: if all its models were at scale.max at once, they would need 3600m cpu of 3" in said


@pytest.mark.parametrize(
    ("quota", "most"), [(None, 9), ({"cpu": "5"}, 4), ({"cpu": "5", "memory": "2Gi"}, 1), ({"cpu": "500m"}, 0)]
)
def test_the_scarcest_part_of_a_quota_counts(quota: dict[str, str] | None, most: int) -> None:
    model, other = one("vision", "a", 1, 9), one("vision", "b")
    given = None if quota is None else Quota.model_validate(quota)
    assert most_replicas(model, [model, other], given) == most


def full(given: Settings, *models: ModelSpec) -> FullPool:
    (found,) = full_pools(planned(given, *models))
    return found


def test_a_full_pool_gives_to_the_highest_priority_first_and_says_who_preempts_whom_and_what_waits() -> None:
    given = settings(low={"priority": -5}, high={"priority": 50}, mid={"priority": 0})
    found = full(given, one("low", "l", 1, 3), one("mid", "m", 1, 1, cpu="500m"), one("high", "h", 1, 3))
    assert found.teams == {"high": 50, "mid": 0, "low": -5}
    assert found.preempted_by("high") == ["low", "mid"]
    assert found.preempted_by("low") == []
    runs = {share.contender.model: (share.runs, share.pending, share.below_minimum) for share in found.shares}
    assert runs == {"h": (3, 0, 0), "m": (1, 0, 0), "l": (0, 3, 1)}
    said = list(found.lines())
    assert said[0] == (
        "pool default when it is full: high (50), then mid (0), then low (-5); "
        "high preempts low, then mid; mid preempts low"
    )
    assert (
        "l (low) with every model at its largest: 0 of 3 run; 3 stay pending, 1 of them of its minimum of 1" in said[3]
    )


def test_equals_preempt_nobody_and_a_pool_with_room_says_so() -> None:
    given = settings(a={"priority": 1}, b={"priority": 1})
    found = full(given, one("a", "x"), one("b", "y"))
    assert list(found.lines()) == [
        "pool default when it is full: a (1), then b (1); nobody preempts another",
        "pool default holds every model at its largest: nothing stays pending",
    ]


def test_what_a_quota_does_not_let_up_takes_no_room() -> None:
    given = settings(vision={"priority": 100, "quota": {"cpu": "2"}}, batch=BATCH)
    found = full(given, one("vision", "v", 1, 3), one("batch", "b", 1, 3))
    runs = {share.contender.model: (share.contender.most, share.runs) for share in found.shares}
    assert runs == {"v": (2, 2), "b": (3, 2)}


def test_without_teams_nothing_is_said_of_full_pools() -> None:
    assert full_pools(planned(settings(), one("vision", "a"))) == ()
