"""A model with drift: its rules and what its server is told, byte for byte, and what is refused with its message."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import load_spec_file
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, ROOT, drift_plan
from tests.support.refused_plans import refused_plan

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
    path = DRIFT / "error" / f"{name}.yaml"
    said = refused_plan(
        DRIFT / "settings", name.partition(".")[0], lambda: [load_spec_file(path, ROOT, ["seen", "unseen"])]
    )
    golden(FIXTURES / path.with_name(f"{name}.txt"), said)
