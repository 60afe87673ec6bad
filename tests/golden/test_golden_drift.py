"""A model with drift: its rules and what its server is told, byte for byte, and what is refused with its message."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.errors.base import UserError, each
from slipway.loading.settings import read_settings
from slipway.loading.specs import load_spec_file
from slipway.planner.environment import plan
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import CODE, FIXTURES, ROOT, drift_plan

HERE = Path(__file__).parent / "drift"
DRIFT = Path("drift")
ERRORS = sorted(path.stem for path in (FIXTURES / DRIFT / "error").glob("*.yaml") if ".lock" not in path.name)
SHOWN = ("ConfigMap", "PrometheusRule")
Golden = Callable[[Path, str], None]


def test_a_model_with_drift_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    model = drift_plan().find("digits", Path())
    manifests = [one for one in render_model(model, placeholder_image(model)) if one["kind"] in SHOWN]
    golden(HERE / "digits.yaml", to_yaml(manifests))


@pytest.mark.parametrize("name", ERRORS)
def test_what_nobody_could_tell_is_refused_with_its_message(
    name: str, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part of the name before the first dot is the environment's."""
    monkeypatch.chdir(FIXTURES)  # messages name files as the user did
    environment = name.partition(".")[0]
    file = read_settings(DRIFT / "settings", environment)
    with pytest.raises(UserError) as refused:
        spec = load_spec_file(DRIFT / "error" / f"{name}.yaml", ROOT, ["seen", "unseen"])
        plan(environment, file.settings, [spec], CODE, file.locate(())[0])
    assert all(finding.place.line and finding.allowed and finding.todo for finding in each(refused.value))
    golden(FIXTURES / DRIFT / "error" / f"{name}.txt", f"{refused.value}\n")
