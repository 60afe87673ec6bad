"""The rules about models that promise something, byte for byte, and what is refused of a promise."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import load_spec_file
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, slo_plan
from tests.support.refused_plans import refused_plan

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
    path = SLO / "error" / f"{name}.yaml"
    spec = load_spec_file(path, Path("repo"), ["watched", "usual", "unmeasured"])
    golden(
        path.with_name(f"{name}.txt"),
        refused_plan(SLO / "settings", name.partition(".")[0], lambda: [spec]),
    )


def test_who_is_told_is_rendered_to_the_golden_routes(golden: Golden) -> None:
    manifests = [one for one in render_environment(slo_plan()) if one["kind"] in ("AlertmanagerConfig", "PodMonitor")]
    golden(HERE / "environment.yaml", to_yaml(manifests))
