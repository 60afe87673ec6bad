"""The registry of an environment: how names of images are made up, and how pods get at them.

What is refused, with its message, are the fixtures settings/error/{registry,image_prefix,pull_secret}.*.yaml.
"""

from typing import Any

import pytest

from slipway.plan.model import ModelPlan
from slipway.planner.environment import plan
from slipway.render.model import placeholder_image, render_model
from slipway.settings.kubernetes import Settings
from tests.support.planned import CODE, fixture_plan, fleet_plan
from tests.support.pools import loaded, scale, spec

SETTINGS: dict[str, Any] = {
    "kind": "kubernetes",
    "context": "cloud",
    "namespace": "models",
    "registry": "registry.example.com",
    "base_image": "registry.example.com/base:1",
    "node_pools": [{"name": "default", "max_nodes": 4, "cpu": "8", "memory": "32Gi"}],
}


def settings(**changes: Any) -> Settings:
    return Settings.model_validate(SETTINGS | changes)


def planned(**changes: Any) -> ModelPlan:
    return plan("cloud", settings(**changes), [loaded(spec("digits", scale=scale(1, 1)))], CODE).models[0]


def pod(model: ModelPlan) -> dict[str, Any]:
    (deployment,) = (one for one in render_model(model, placeholder_image(model)) if one["kind"] == "Deployment")
    return dict(deployment["spec"]["template"]["spec"])


@pytest.mark.parametrize(
    ("registry", "prefix", "repository"),
    [
        ("127.0.0.1:5000", None, "127.0.0.1:5000/slipway/digits"),
        ("docker.io/team", "slipway-", "docker.io/team/slipway-digits"),
        ("docker.io/team", "", "docker.io/team/digits"),
        ("docker.io", None, "docker.io/slipway/digits"),
        ("ghcr.io/team/ml", None, "ghcr.io/team/ml/slipway/digits"),
        ("host.example.com/a/b", "", "host.example.com/a/b/digits"),
        ("localhost", "a/b/c-", "localhost/a/b/c-digits"),
    ],
)
def test_images_are_named_below_the_registry_by_the_prefix(registry: str, prefix: str | None, repository: str) -> None:
    changes = {"registry": registry} | ({} if prefix is None else {"image_prefix": prefix})
    model = planned(**changes)
    assert model.image.repository == repository
    assert model.image.runtime.repository == f"{repository.removesuffix('digits')}runtime-onnxruntime"


def test_on_aws_each_environment_has_repositories_of_its_own() -> None:
    fleet = fleet_plan()
    registry = f"{fleet.settings.registry}/slipway/fleet"
    assert {model.image.repository for model in fleet.models} == {f"{registry}/{model.name}" for model in fleet.models}


def test_pods_pull_with_the_secret_that_the_settings_name_and_the_release_is_another() -> None:
    with_secret = planned(pull_secret="registry-pull")
    assert pod(with_secret)["imagePullSecrets"] == [{"name": "registry-pull"}]
    assert with_secret.to_json()["image"]["pullSecret"] == "registry-pull"
    assert with_secret.release_digest != planned().release_digest


@pytest.mark.parametrize("plan_of", [lambda: fixture_plan("cloud"), fleet_plan], ids=["kubernetes", "aws"])
def test_pods_name_no_secret_when_the_settings_do_not(plan_of: Any) -> None:
    for model in plan_of().models:
        assert "imagePullSecrets" not in pod(model)
        assert "pullSecret" not in model.to_json()["image"]


def test_settings_that_leave_it_out_are_written_as_before() -> None:
    written = settings().model_dump(mode="json")
    assert {"image_prefix", "pull_secret"}.isdisjoint(written)
