"""What models that bring their own servers are planned and rendered to, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import own_plan

HERE = Path(__file__).parent
ENVIRONMENTS = ("gated", "open")
MODELS = [(env, model.name) for env in ENVIRONMENTS for model in own_plan(env).models]
Golden = Callable[[Path, str], None]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_plan_is_the_golden_one(environment: str, golden: Golden) -> None:
    text = json.dumps(own_plan(environment).to_json()["models"], indent=2) + "\n"
    golden(HERE / f"own-{environment}" / "plan.json", text)


@pytest.mark.parametrize(("environment", "name"), MODELS)
def test_a_model_is_rendered_to_the_golden_manifests(environment: str, name: str, golden: Golden) -> None:
    model = own_plan(environment).find(name, Path())
    golden(HERE / f"own-{environment}" / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


@pytest.mark.parametrize("name", ["built", "layered"])
def test_the_dockerfile_is_as_it_was_written_with_what_the_spec_adds(name: str, golden: Golden) -> None:
    own = own_plan("gated").find(name, Path()).image.own
    assert own is not None
    golden(HERE / "own-gated" / f"{name}.Dockerfile", own.dockerfile or "")
