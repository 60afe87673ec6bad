"""What the fixtures are rendered to, byte for byte: read the difference in review, then `pytest --update-golden`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.render.environment import render_environment
from slipway.render.image import render_dockerfile, render_runtime_dockerfile
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import fixture_plan

HERE = Path(__file__).parent
ENVIRONMENTS = ("cloud", "local")
MODELS = [(env, model.name) for env in ENVIRONMENTS for model in fixture_plan(env).models]
Golden = Callable[[Path, str], None]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_plan_is_the_golden_one(environment: str, golden: Golden) -> None:
    text = json.dumps(fixture_plan(environment).to_json(), indent=2) + "\n"
    golden(HERE / environment / "plan.json", text)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_environment_is_rendered_to_the_golden_manifests(environment: str, golden: Golden) -> None:
    golden(HERE / environment / "environment.yaml", to_yaml(render_environment(fixture_plan(environment))))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_in_a_namespace_of_others_is_rendered_to_the_golden_manifests(
    environment: str, golden: Golden
) -> None:
    manifests = render_environment(fixture_plan(environment), adopted=True)
    golden(HERE / environment / "adopted.yaml", to_yaml(manifests))


@pytest.mark.parametrize(("environment", "name"), MODELS)
def test_a_model_is_rendered_to_the_golden_manifests(environment: str, name: str, golden: Golden) -> None:
    model = fixture_plan(environment).find(name, Path())
    golden(HERE / environment / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


def test_the_dockerfile_is_the_golden_one(golden: Golden) -> None:
    golden(HERE / "model.Dockerfile", render_dockerfile("onnxruntime", "registry.example.com/slipway/runtime@sha256:0"))


@pytest.mark.parametrize(("architecture", "name"), [("amd64", "runtime"), ("arm64", "runtime-arm64")])
def test_the_runtime_dockerfile_is_the_golden_one(architecture: str, name: str, golden: Golden) -> None:
    text = render_runtime_dockerfile("onnxruntime", "registry.example.com/slipway/base@sha256:0", architecture)
    golden(HERE / f"{name}.Dockerfile", text)
