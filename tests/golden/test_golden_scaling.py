"""What models that scale are planned and rendered to, in environments that measure them, byte for byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.specs import load_spec_file
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from tests.support.planned import FIXTURES, scaling_plan
from tests.support.refused_plans import refused_plan

HERE = Path(__file__).parent / "scaling"
SCALING = Path("scaling")
MODELS = [model.name for model in scaling_plan("measured").models]
ERRORS = sorted(path.stem for path in (FIXTURES / SCALING / "error").glob("*.yaml"))
_MONITORS = ("PodMonitor", "PrometheusRule")
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


def test_what_an_environment_is_measured_by_is_rendered_to_the_golden_manifests(golden: Golden) -> None:
    manifests = [one for one in render_environment(scaling_plan("measured")) if one["kind"] in _MONITORS]
    golden(HERE / "environment.yaml", to_yaml(manifests))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_scales_is_rendered_to_the_golden_manifests(name: str, golden: Golden) -> None:
    model = scaling_plan("measured").find(name, Path())
    golden(HERE / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


@pytest.mark.parametrize("name", MODELS)
def test_each_model_has_one_writer_of_its_replicas(name: str) -> None:
    model = scaling_plan("measured").find(name, Path())
    objects = {one["kind"]: one for one in render_model(model, placeholder_image(model))}
    writers = [kind for kind in ("HorizontalPodAutoscaler", "ScaledObject") if kind in objects]
    writers += ["Deployment"] if "replicas" in objects["Deployment"]["spec"] else []
    assert writers == [model.scaler or "Deployment"]


def test_where_a_person_configures_prometheus_nothing_is_applied_for_its_operator() -> None:
    planned = scaling_plan("manual")
    kinds = {one["kind"] for one in render_environment(planned)}
    kinds |= {one["kind"] for model in planned.models for one in render_model(model, placeholder_image(model))}
    assert not kinds & set(_MONITORS)
    assert "ScaledObject" in kinds


@pytest.mark.parametrize("name", ERRORS)
def test_scaling_on_what_an_environment_lacks_is_refused_with_its_message(name: str, golden: Golden) -> None:
    """The part of the name before the first dot is the environment's."""
    path = SCALING / "error" / f"{name}.yaml"
    spec = load_spec_file(path, Path("repo"), ["measured", "manual", "unmeasured"])
    golden(
        path.with_name(f"{name}.txt"),
        refused_plan(SCALING / "settings", name.partition(".")[0], lambda: [spec]),
    )
