"""What models whose updates are judged, or stop them, are planned and rendered to, and refused with, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import environments, load_specs
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, rollout_plan
from tests.support.refused_plans import refused_plan

HERE = Path(__file__).parent / "rollouts"
ROLLOUTS = Path("rollouts")
MODELS = [model.name for model in rollout_plan("judged").models]
ERRORS = sorted(path.name for path in (FIXTURES / ROLLOUTS / "error").iterdir() if path.is_dir())
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize("name", MODELS)
def test_how_a_model_is_updated_is_planned_as_in_the_golden_document(name: str, golden: Golden) -> None:
    model = rollout_plan("judged").find(name, Path())
    golden(HERE / f"{name}.json", json.dumps(model.to_json()["rollout"], indent=2) + "\n")


def test_what_is_said_of_judged_rollouts_is_in_the_golden_words(golden: Golden) -> None:
    judged = {model.name: model.judged for model in rollout_plan("judged").models}
    lines = [f"{name}: {line}\n" for name, one in judged.items() if one is not None for line in one.lines()]
    golden(HERE / "judged.txt", "".join(lines))


def test_a_model_that_stops_for_its_update_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    model = rollout_plan("judged").find("recreate", Path())
    golden(HERE / "recreate.yaml", to_yaml(render_model(model, placeholder_image(model))))


@pytest.mark.parametrize("name", ERRORS)
def test_a_rollout_that_an_environment_cannot_do_is_refused_with_its_message(name: str, golden: Golden) -> None:
    """The part of the name before the first dot is the environment's."""
    specs = load_specs(ROLLOUTS / "error" / name, Path("repo"), environments(ROLLOUTS / "settings"))
    said = refused_plan(ROLLOUTS / "settings", name.partition(".")[0], lambda: specs)
    golden(ROLLOUTS / "error" / f"{name}.txt", said)
