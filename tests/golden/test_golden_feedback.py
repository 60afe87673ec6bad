"""Models whose answers are measured: rules, routes and alerts byte for byte, and what is refused with its message."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import load_spec_file
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, feedback_plan
from tests.support.refused_plans import refused_plan

HERE = Path(__file__).parent / "feedback"
FEEDBACK = Path("feedback")
ERRORS = sorted(path.stem for path in (FIXTURES / FEEDBACK / "error").glob("*.yaml"))
SHOWN = ("ConfigMap", "HTTPRoute", "PrometheusRule")
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize("name", [model.name for model in feedback_plan().models])
def test_a_model_that_takes_feedback_is_rendered_to_the_golden_manifests(name: str, golden: Golden) -> None:
    model = feedback_plan().find(name, Path())
    manifests = [one for one in render_model(model, placeholder_image(model)) if one["kind"] in SHOWN]
    golden(HERE / f"{name}.yaml", to_yaml(manifests))


def test_the_gateway_logs_what_answers_predicted(golden: Golden) -> None:
    manifests = [one for one in render_environment(feedback_plan()) if one["kind"] == "EnvoyProxy"]
    golden(HERE / "environment.yaml", to_yaml(manifests))


@pytest.mark.parametrize("name", ERRORS)
def test_what_nobody_could_measure_is_refused_with_its_message(name: str, golden: Golden) -> None:
    """The part of the name before the first dot is the environment's."""
    path = FEEDBACK / "error" / f"{name}.yaml"
    said = refused_plan(
        FEEDBACK / "settings",
        name.partition(".")[0],
        lambda: [load_spec_file(path, Path("repo"), ["heard", "unwatched"])],
    )
    golden(path.with_name(f"{name}.txt"), said)
