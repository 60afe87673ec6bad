"""Models that keep samples: manifests, Dockerfile and policy byte for byte, and what is refused with its message."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import load_spec_file
from slipway.render.image import dockerfile_of
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, capture_plan
from tests.support.refused_plans import refused_plan

HERE = Path(__file__).parent / "capture"
CAPTURE = Path("capture")
ERRORS = sorted(path.stem for path in (FIXTURES / CAPTURE / "error").glob("*.yaml"))
SHOWN = ("ConfigMap", "Deployment", "NetworkPolicy")
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize(("environment", "name"), [("kept", "some"), ("kept", "all"), ("account", "some")])
def test_a_model_that_keeps_samples_is_rendered_to_the_golden_manifests(
    environment: str, name: str, golden: Golden
) -> None:
    model = capture_plan(environment).find(name, Path())
    manifests = [one for one in render_model(model, placeholder_image(model)) if one["kind"] in SHOWN]
    golden(HERE / f"{environment}-{name}.yaml", to_yaml(manifests))


def test_the_image_of_a_model_that_keeps_samples_has_its_weights_and_what_speaks_to_the_store(golden: Golden) -> None:
    model = capture_plan("kept").find("some", Path())
    golden(
        HERE / "capturing.Dockerfile",
        dockerfile_of("onnxruntime", model.image, "registry.example.com/runtime@sha256:0"),
    )


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_kept_is_refused_with_its_message(name: str, golden: Golden) -> None:
    """The part of the name before the first dot is the environment's."""
    path = CAPTURE / "error" / f"{name}.yaml"
    said = refused_plan(
        CAPTURE / "settings", name.partition(".")[0], lambda: [load_spec_file(path, Path("repo"), ["kept", "unkept"])]
    )
    golden(path.with_name(f"{name}.txt"), said)
