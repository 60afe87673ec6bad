"""What an environment whose requests are traced is rendered to, byte for byte, and what others have of it: nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.plan.code_digests import TRACES
from slipway.render.environment import render_environment
from slipway.render.image import render_dockerfile
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from slipway.signing.seal import annotations
from tests.support.planned import gateway_plan, traced_plan

HERE = Path(__file__).parent / "traces"
Golden = Callable[[Path, str], None]
MODELS = [model.name for model in traced_plan().models]


def test_the_gateway_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    kinds = ("EnvoyProxy", "ClientTrafficPolicy")
    manifests = [one for one in render_environment(traced_plan()) if one["kind"] in kinds]
    golden(HERE / "environment.yaml", to_yaml(manifests))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_rendered_to_the_golden_manifests(name: str, golden: Golden) -> None:
    model = traced_plan().find(name, Path())
    golden(HERE / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


def test_an_image_has_the_library_where_its_requests_are_traced_and_is_another_one() -> None:
    traced, plain = traced_plan().find("least", Path()), gateway_plan("own").find("least", Path())
    assert (traced.image.runtime, traced.image.files) == (plain.image.runtime, plain.image.files)
    assert traced.image.traces is not None and plain.image.traces is None
    assert traced.image.traces.context_path == TRACES
    assert traced.image.inputs_digest != plain.image.inputs_digest
    unsigned = replace(traced, image=replace(traced.image, traces=None))
    assert annotations(traced) != annotations(unsigned) == annotations(plain)
    written = render_dockerfile("onnxruntime", "runtime@sha256:0", traces=True)
    assert "ENV PYTHONPATH=/opt/slipway/server:/opt/slipway/deps:/opt/slipway/traces\n" in written
    assert "traces" not in render_dockerfile("onnxruntime", "runtime@sha256:0")


def test_a_server_of_others_is_told_nothing_of_it() -> None:
    model = traced_plan().find("others", Path())
    assert model.image.traces is None and "traces" not in model.server_config
