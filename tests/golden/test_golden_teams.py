"""What teams of an environment are rendered to, and what is said of and to them, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import load_spec_file
from slipway.planner.teams import full_pools
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, teams_plan
from tests.support.refused_plans import refused_plan

HERE = Path(__file__).parent / "teams"
TEAMS = Path("teams")
MODELS = [model.name for model in teams_plan().models]
ERRORS = sorted(path.stem for path in (FIXTURES / TEAMS / "error").glob("*.yaml"))
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


def test_what_an_environment_has_for_its_teams_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    golden(HERE / "environment.yaml", to_yaml(render_environment(teams_plan())))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_a_team_is_rendered_to_the_golden_manifests(name: str, golden: Golden) -> None:
    model = teams_plan().find(name, Path())
    golden(HERE / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


def test_what_happens_when_the_pool_is_full_is_said_in_the_golden_words(golden: Golden) -> None:
    pools = full_pools(teams_plan())
    golden(
        HERE / "full.txt", "".join(f"{line}\n" for pool in pools for line in (*pool.lines(), *teams_plan().warnings))
    )
    golden(HERE / "full.json", json.dumps([pool.to_json() for pool in pools], indent=2) + "\n")


@pytest.mark.parametrize("name", ERRORS)
def test_a_model_of_no_team_or_beyond_its_quota_is_refused_with_its_message(name: str, golden: Golden) -> None:
    path = TEAMS / "error" / f"{name}.yaml"
    spec = load_spec_file(path, Path("repo"), ["shared"])
    golden(path.with_name(f"{name}.txt"), refused_plan(TEAMS / "settings", "shared", lambda: [spec]))
