"""What environments with a gateway are planned and rendered to, and which routes they refuse, byte for byte."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.environments.planning.kinds import planning
from slipway.errors.base import UserError, each
from slipway.loading.specs import load_settings, load_specs
from slipway.planner.environment import plan
from slipway.render.environment import render_environment
from slipway.render.gateway import GatewayImages, placeholder_images
from slipway.render.model import placeholder_image, render_model
from slipway.render.objects import WAY_IN
from slipway.render.yaml import to_yaml
from tests.support.planned import CODE, FIXTURES, gateway_plan

HERE = Path(__file__).parent
GATEWAY = Path("gateway")
ENVIRONMENTS = ("own", "shared")
MODELS = [(env, model.name) for env in ENVIRONMENTS for model in gateway_plan(env).models]
ERRORS = sorted(path.name for path in (FIXTURES / GATEWAY / "error").iterdir() if path.is_dir())
Golden = Callable[[Path, str], None]


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_rendered_to_the_golden_manifests(environment: str, golden: Golden) -> None:
    golden(HERE / f"gateway-{environment}" / "environment.yaml", to_yaml(render_environment(gateway_plan(environment))))


@pytest.mark.parametrize(("environment", "name"), MODELS)
def test_a_model_is_rendered_to_the_golden_manifests(environment: str, name: str, golden: Golden) -> None:
    model = gateway_plan(environment).find(name, Path())
    golden(HERE / f"gateway-{environment}" / f"{name}.yaml", to_yaml(render_model(model, placeholder_image(model))))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_routes_are_planned_to_the_golden_ones(environment: str, golden: Golden) -> None:
    routes = {model.name: model.to_json().get("route") for model in gateway_plan(environment).models}
    golden(HERE / f"gateway-{environment}" / "routes.json", json.dumps(routes, indent=2) + "\n")


@pytest.mark.parametrize("name", ERRORS)
def test_routes_that_nobody_could_tell_apart_are_refused_with_their_message(name: str, golden: Golden) -> None:
    folder = GATEWAY / "error" / name
    settings = load_settings(GATEWAY / "settings", "own")
    with pytest.raises(UserError) as refused:
        plan("own", settings, load_specs(folder, Path("repo")), CODE)
    assert all(finding.place.file and finding.allowed and finding.todo for finding in each(refused.value))
    golden(folder.with_suffix(".txt"), f"{refused.value}\n")


def test_only_a_public_model_has_a_route_and_every_model_has_the_gate() -> None:
    for model in gateway_plan("own").models:
        kinds = {one["kind"] for one in render_model(model, placeholder_image(model))}
        over_grpc = {"GRPCRoute"} if model.name == "spoken" else set()
        assert kinds & WAY_IN == ((WAY_IN - {"GRPCRoute"}) | over_grpc if model.name != "inside" else set())
        assert model.server_config["gate"] == {"public_key": "/etc/slipway/gateway/public.pem"}


def test_the_pods_of_a_gateway_run_the_images_that_are_given() -> None:
    planned = gateway_plan("own")
    images = GatewayImages("r/keys@sha256:1", "r/envoy@sha256:2", "r/postgres@sha256:3")
    text = to_yaml(render_environment(planned, images))
    assert all(image in text for image in (images.keys, images.envoy or "", images.postgres or ""))
    gateway = planning(planned.settings).gateway
    assert gateway is not None
    assert placeholder_images(gateway, "r/keys").postgres == f"127.0.0.1:5000/slipway/postgres:15@sha256:{'0' * 64}"
