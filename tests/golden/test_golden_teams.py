"""What teams of an environment are rendered to, and what is said of and to them, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.errors.base import UserError, each
from slipway.loading.settings import read_settings
from slipway.loading.specs import load_spec_file
from slipway.planner.environment import plan
from slipway.planner.teams import full_pools
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import CODE, FIXTURES, teams_plan

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
    file = read_settings(TEAMS / "settings", "shared")
    spec = load_spec_file(TEAMS / "error" / f"{name}.yaml", Path("repo"), ["shared"])
    with pytest.raises(UserError) as refused:
        plan("shared", file.settings, [spec], CODE, file.locate(())[0])
    assert all(finding.place.line and finding.allowed and finding.todo for finding in each(refused.value))
    golden((TEAMS / "error" / name).with_name(f"{name}.txt"), f"{refused.value}\n")
