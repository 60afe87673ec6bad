"""What servers of others are planned, told and rendered to, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import others_plan

HERE = Path(__file__).parent
ENVIRONMENTS = ("gated", "open")
MODELS = [(env, model.name) for env in ENVIRONMENTS for model in others_plan(env).models]
Golden = Callable[[Path, str], None]


@pytest.mark.parametrize(("environment", "name"), MODELS)
def test_a_model_is_rendered_to_the_golden_manifests(environment: str, name: str, golden: Golden) -> None:
    model = others_plan(environment).find(name, Path())
    golden(HERE / f"others-{environment}" / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


@pytest.mark.parametrize("name", [model.name for model in others_plan("gated").models])
def test_what_the_server_is_told_is_the_golden_one(name: str, golden: Golden) -> None:
    image = others_plan("gated").find(name, Path()).image
    told = {file.image_path: file.text for file in image.files if file.text is not None}
    text = "".join(f"# {path}\n{text}\n" for path, text in told.items())
    golden(HERE / "others-gated" / f"{name}.files", text + (image.own.dockerfile or "" if image.own else ""))


def test_the_plan_is_the_golden_one(golden: Golden) -> None:
    text = json.dumps(others_plan("gated").to_json()["models"], indent=2) + "\n"
    golden(HERE / "others-gated" / "plan.json", text)


def test_prometheus_asks_these_servers_at_their_own_port_and_nowhere_else(golden: Golden) -> None:
    monitors = [one for one in render_environment(others_plan("gated")) if one["kind"] == "PodMonitor"]
    golden(HERE / "others-gated" / "monitors.yaml", to_yaml(monitors))
