"""What an environment on AWS with models of all kinds is planned and priced to, and what it refuses, byte for byte."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from slipway.errors.base import UserError
from slipway.loading.specs import load_settings, load_spec_file
from slipway.planner.environment import Plan, plan
from slipway.planner.price import price
from slipway.render.karpenter import render_karpenter
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from slipway.settings.aws import AwsSettings
from tests.support.planned import CODE, FIXTURES, ROOT, fleet_plan

HERE = Path(__file__).parent
AWS = Path("aws")
ENVIRONMENT = "fleet"
MODELS = sorted(path.stem for path in (FIXTURES / AWS / "spec").glob("*.yaml"))
ERRORS = sorted(path.stem for path in (FIXTURES / AWS / "error").glob("*.yaml"))
ON = date(2026, 11, 21)
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


@pytest.fixture
def fleet() -> Plan:
    return fleet_plan()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_planned_to_the_golden_plan(name: str, fleet: Plan, golden: Golden) -> None:
    golden(HERE / "plans" / f"{name}.json", json.dumps(fleet.find(name, Path()).to_json(), indent=2) + "\n")


@pytest.mark.parametrize("name", ["gpu-mig", "gpu-only-one", "gpu-shared", "gpu-small", "graviton"])
def test_a_model_is_rendered_to_the_golden_manifests(name: str, fleet: Plan, golden: Golden) -> None:
    model = fleet.find(name, Path())
    golden(HERE / "plans" / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


def test_the_environment_is_priced_to_the_golden_price(fleet: Plan, golden: Golden) -> None:
    priced = price(fleet, ON)
    assert priced is not None
    golden(HERE / "plans" / "price.json", json.dumps(priced.to_json(), indent=2) + "\n")


def test_pools_are_rendered_to_the_golden_manifests(golden: Golden) -> None:
    """Of production: spot, shared GPUs, a reservation, nodes that always run."""
    settings = load_settings(ROOT / "stacks", "prod", ON)
    assert isinstance(settings, AwsSettings)
    golden(HERE / "plans" / "node-objects.yaml", to_yaml(render_karpenter("prod", settings)))


def test_every_pool_is_the_choice_of_a_model(fleet: Plan) -> None:
    assert {model.pool.name for model in fleet.models} == {pool.name for pool in fleet.pools}
    assert len(fleet.models) >= 12


@pytest.mark.parametrize("name", ERRORS)
def test_a_model_that_no_pool_fits_is_refused_with_its_message(name: str, golden: Golden) -> None:
    path = AWS / "error" / f"{name}.yaml"
    spec = load_spec_file(path, Path("repo"), [ENVIRONMENT])
    settings = load_settings(AWS / "settings", ENVIRONMENT)
    with pytest.raises(UserError) as refused:
        plan(ENVIRONMENT, settings, [spec], CODE)
    golden(path.with_suffix(".txt"), f"{refused.value}\n")
