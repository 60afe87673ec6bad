"""What models are planned and rendered to whose weights are fetched from a model store, byte for byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.render.image import render_dockerfile
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import delivery_plan

HERE = Path(__file__).parent / "delivery"
Golden = Callable[[Path, str], None]


@pytest.mark.parametrize("environment", ["stored", "account"])
def test_a_model_whose_weights_are_fetched_is_rendered_to_the_golden_manifests(
    environment: str, golden: Golden
) -> None:
    model = delivery_plan(environment).find("fetched", Path())
    golden(HERE / f"{environment}.yaml", to_yaml(render_model(model, placeholder_image(model))))


def test_the_image_without_weights_is_rendered_to_the_golden_dockerfile(golden: Golden) -> None:
    below = "registry.example.com/slipway/runtime@sha256:0"
    text = render_dockerfile("onnxruntime", below, fetching=True, carried=False)
    golden(HERE / "fetching.Dockerfile", text)
