"""The rules about models that promise something, byte for byte, and what is refused of a promise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.errors.base import UserError, each
from slipway.loading.settings import read_settings
from slipway.loading.specs import load_spec_file
from slipway.planner.environment import plan
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import CODE, FIXTURES, slo_plan

HERE = Path(__file__).parent / "slo"
SLO = Path("slo")
ERRORS = sorted(path.stem for path in (FIXTURES / SLO / "error").glob("*.yaml"))
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize("name", [model.name for model in slo_plan().models])
def test_a_promise_is_rendered_to_the_golden_rules(name: str, golden: Golden) -> None:
    model = slo_plan().find(name, Path())
    rules = [one for one in render_model(model, placeholder_image(model)) if one["kind"] == "PrometheusRule"]
    golden(HERE / f"{name}.yaml", to_yaml(rules))


@pytest.mark.parametrize("name", ERRORS)
def test_a_promise_that_nobody_could_check_is_refused_with_its_message(name: str, golden: Golden) -> None:
    """The part of the name before the first dot is the environment's."""
    environment = name.partition(".")[0]
    file = read_settings(SLO / "settings", environment)
    spec = load_spec_file(SLO / "error" / f"{name}.yaml", Path("repo"), ["watched", "usual", "unmeasured"])
    with pytest.raises(UserError) as refused:
        plan(environment, file.settings, [spec], CODE, file.locate(())[0])
    assert all(finding.place.line and finding.allowed and finding.todo for finding in each(refused.value))
    golden((SLO / "error" / name).with_name(f"{name}.txt"), f"{refused.value}\n")


def test_who_is_told_is_rendered_to_the_golden_routes(golden: Golden) -> None:
    manifests = [one for one in render_environment(slo_plan()) if one["kind"] in ("AlertmanagerConfig", "PodMonitor")]
    golden(HERE / "environment.yaml", to_yaml(manifests))
