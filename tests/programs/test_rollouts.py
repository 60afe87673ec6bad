"""The programs of a rollout on Pulumi's mocks: what is beside a model in each stage, in which order, and what goes."""

from typing import Any

import pytest

import slipway.programs.model
from slipway.components.image.component import ModelImageArgs
from slipway.plan.image import ImagePlan
from slipway.plan.model import ModelPlan
from slipway.plan.rollout import WEIGHT, Stage
from slipway.policy.resource import Resource
from slipway.policy.resources import violations
from slipway.values import names
from tests.support.planned import gateway_plan
from tests.support.recorder import Registered, Run, run_program
from tests.support.rollouts import REPLICAS, new_release, old_release, rollout_of

DIGEST = "sha256:" + "ab" * 32
JUDGE_DIGEST = "sha256:" + "cd" * 32
CONNECTION = {"context": "slipway-local", "namespace": "slipway", "registry": "127.0.0.1:5000"}
NEW = new_release()
OLD = old_release(NEW)
MODEL, CANDIDATE, JUDGE = NEW.name, names.candidate(NEW.name), names.judge(NEW.name)
STAGES: tuple[Stage, ...] = ("prepare", "begin", "conclude")


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> None:
    """The images are in their registry; Docker is not asked."""

    def there(image: ImagePlan, digest: str) -> ModelImageArgs:
        return ModelImageArgs(image.repository, image.tag, lambda: digest, lambda _: digest)

    def of_model(model: ModelPlan, _: Any) -> ModelImageArgs:
        return there(model.image, DIGEST)

    def of_judge(image: ImagePlan, _: Any) -> ModelImageArgs:
        return there(image, JUDGE_DIGEST)

    monkeypatch.setattr(slipway.programs.model, "image_args", of_model)
    monkeypatch.setattr(slipway.programs.model, "judge_image_args", of_judge)


def staged(stage: Stage) -> Run:
    programs = slipway.programs.model.programs("own", gateway_plan("own").settings)
    program = programs.rollout(OLD, NEW, rollout_of(NEW), REPLICAS, stage, lambda _: None)
    return run_program(program, f"own.{MODEL}", connection=CONNECTION)


def plain() -> Run:
    programs = slipway.programs.model.programs("own", gateway_plan("own").settings)
    return run_program(programs.model(NEW, lambda _: None), f"own.{MODEL}", connection=CONNECTION)


def named(run: Run, kind: str, name: str) -> Registered:
    (found,) = [one for one in run.resources if one.token.endswith(f":{kind}") and one.name == name]
    return found


def image_of(run: Run, deployment: str) -> str:
    (container,) = named(run, "Deployment", deployment).inputs["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def backends(run: Run) -> list[tuple[str, int | None]]:
    (rule,) = named(run, "HTTPRoute", MODEL).inputs["spec"]["rules"]
    return [(ref["name"], ref.get("weight")) for ref in rule["backendRefs"]]


def mirrors(run: Run) -> list[str]:
    (rule,) = named(run, "HTTPRoute", MODEL).inputs["spec"]["rules"]
    found = (one["requestMirror"] for one in rule["filters"] if one["type"] == "RequestMirror")
    return [one["backendRef"]["name"] for one in found]


def test_the_new_release_and_its_judge_are_prepared_beside_the_old_one_which_keeps_its_route() -> None:
    run = staged("prepare")
    assert image_of(run, MODEL) == OLD.image
    assert image_of(run, CANDIDATE).endswith(DIGEST)
    assert image_of(run, JUDGE) == f"127.0.0.1:5000/slipway/judge@{JUDGE_DIGEST}"
    assert backends(run) == [(MODEL, None)]
    assert mirrors(run) == []
    assert run.outputs["release"] == names.short(OLD.digest)


def test_the_route_names_both_once_they_are_there_and_gives_the_new_one_nothing_yet() -> None:
    run = staged("begin")
    assert image_of(run, MODEL) == OLD.image
    assert backends(run) == [(MODEL, WEIGHT), (CANDIDATE, 0)]
    assert mirrors(run) == [JUDGE]


def test_the_new_release_becomes_the_stable_one_while_its_candidate_has_the_calls() -> None:
    run = staged("conclude")
    assert image_of(run, MODEL) == image_of(run, CANDIDATE)
    assert image_of(run, MODEL).endswith(DIGEST)
    assert backends(run) == [(MODEL, 1), (CANDIDATE, WEIGHT - 1)]
    assert mirrors(run) == []
    assert run.outputs["release"] == NEW.release


@pytest.mark.parametrize("stage", STAGES)
def test_both_releases_have_the_replicas_to_take_all_calls(stage: Stage) -> None:
    run = staged(stage)
    assert named(run, "Deployment", CANDIDATE).inputs["spec"]["replicas"] == REPLICAS
    spec = named(run, "Deployment", MODEL).inputs["spec"]
    least = spec["replicas"] if "replicas" in spec else _least(run)
    assert least >= REPLICAS


def _least(run: Run) -> int:
    (scaler,) = run.manifests("HorizontalPodAutoscaler")
    return int(scaler["spec"]["minReplicas"])


@pytest.mark.parametrize("stage", STAGES)
def test_the_route_waits_for_every_service_that_it_may_name(stage: Stage) -> None:
    run = staged(stage)
    there = run.before(named(run, "HTTPRoute", MODEL))
    needed = [named(run, "Service", CANDIDATE), named(run, "Service", JUDGE), named(run, "Deployment", CANDIDATE)]
    assert {one.urn for one in needed} <= there


@pytest.mark.parametrize("stage", STAGES)
def test_pods_of_each_release_find_its_configuration(stage: Stage) -> None:
    run = staged(stage)
    there = {manifest["metadata"]["name"] for manifest in run.manifests("ConfigMap")}
    for deployment in (MODEL, CANDIDATE):
        volumes = named(run, "Deployment", deployment).inputs["spec"]["template"]["spec"]["volumes"]
        mounted = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
        assert mounted - {names.GATEWAY_TRUST} <= there


def test_the_plain_program_names_nothing_of_a_rollout_so_the_engine_deletes_all_of_it() -> None:
    left = {one.name for one in plain().resources}
    assert left.isdisjoint({CANDIDATE, JUDGE})
    assert backends(plain()) == [(MODEL, None)]
    for stage in STAGES:
        run, urns = staged(stage), plain().by_urn()
        gone = [one for one in run.resources if one.urn not in urns and one.token.startswith("kubernetes:")]
        # But for configuration, which running pods may still mount.
        assert all(one.retained == one.token.endswith(":ConfigMap") for one in gone)
        kinds = {one.token.rpartition(":")[2] for one in gone}
        assert kinds >= {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "Role", "RoleBinding"}


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_rollout_adds_says_whose_candidate_it_is(stage: Stage) -> None:
    run, own = staged(stage), plain().by_urn()
    for one in run.resources:
        if one.token.startswith("kubernetes:") and one.urn not in own and not one.token.endswith(":ConfigMap"):
            assert one.inputs["metadata"]["labels"][names.CANDIDATE_LABEL] == MODEL, one.urn


@pytest.mark.parametrize("stage", STAGES)
def test_a_rollout_breaks_no_rule(stage: Stage) -> None:
    resources = [Resource(one.token, one.name, one.inputs) for one in staged(stage).resources]
    assert [(one.rule.id, one.resource.name, one.problem) for one in violations(resources)] == []


def test_nothing_is_judged_where_there_is_no_gateway() -> None:
    settings = gateway_plan("own").settings.model_copy(update={"gateway": None})
    programs = slipway.programs.model.programs("own", settings)
    program = programs.rollout(OLD, NEW, rollout_of(NEW), REPLICAS, "prepare", lambda _: None)
    with pytest.raises(ValueError, match="which has no gateway"):
        run_program(program, f"own.{MODEL}", connection=CONNECTION)
