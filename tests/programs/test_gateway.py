"""The program of an environment with a gateway, on Pulumi's mocks: what is there before what, and no secret in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import slipway.components.kubernetes.gateway_secrets
import slipway.programs.kubernetes
from slipway.cluster.gateway_secrets import Wanted
from slipway.components.connection import Connection
from slipway.components.image.component import ModelImageArgs
from slipway.loading.settings import load_settings
from slipway.plan.image import ImagePlan
from slipway.programs.kubernetes import environment_program
from slipway.settings.kubernetes import Settings
from tests.support.recorder import Run, run_program

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "gateway" / "settings"
DIGEST = "sha256:" + "ab" * 32


class Around:
    """What the program asks of the world: secrets that it had made, by what they were made for."""

    def __init__(self) -> None:
        self.ensured: list[tuple[Connection, str, Wanted]] = []


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Around:
    """Stand in for the cluster, Docker and the registry."""
    world = Around()

    def ensure(environment: str, wanted: Wanted) -> Callable[..., None]:
        return lambda connection, tell: world.ensured.append((connection, environment, wanted))

    def args(image: ImagePlan) -> ModelImageArgs:
        return ModelImageArgs(image.repository, image.tag, lambda: None, lambda report: DIGEST)

    monkeypatch.setattr(slipway.programs.kubernetes, "ensure_secrets", ensure)
    monkeypatch.setattr(slipway.programs.kubernetes, "keys_image_args", args)
    monkeypatch.setattr(
        slipway.programs.kubernetes, "pinned", lambda image: f"{image.rpartition(':')[0]}@sha256:{'cd' * 32}"
    )
    return world


def settings(name: str) -> Settings:
    read = load_settings(FIXTURES, name)
    assert isinstance(read, Settings)
    return read


def run(name: str = "own", *, preview: bool = False, adopted: bool = False) -> Run:
    return run_program(environment_program(name, settings(name), adopted=adopted), name, preview=preview)


def image_of(recorded: Run, name: str) -> Any:
    (deployment,) = [item for item in recorded.manifests("Deployment") if item["metadata"]["name"] == name]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container["image"]


def test_secrets_are_made_once_the_namespace_is_there_and_before_anything_that_mounts_them(around: Around) -> None:
    recorded = run()
    (made,) = around.ensured
    assert made[1:] == ("own", Wanted("localhost", database=True))
    (namespace,) = recorded.of("kubernetes:core/v1:Namespace")
    for resource in recorded.of("kubernetes:apps/v1:Deployment"):
        assert namespace.urn in recorded.before(resource)


def test_no_secret_is_a_resource_of_the_stack(around: Around) -> None:
    recorded = run()
    assert recorded.manifests("Secret") == []
    assert [item["metadata"]["name"] for item in recorded.manifests("ConfigMap")] == []


def test_a_preview_makes_no_secret(around: Around) -> None:
    recorded = run(preview=True)
    assert around.ensured == []
    assert recorded.manifests("Gateway")


def test_pods_come_after_all_that_they_stand_on(around: Around) -> None:
    recorded = run()
    inside = {item.urn for item in recorded.resources if item.token.startswith("kubernetes:")}
    deployments = recorded.of("kubernetes:apps/v1:Deployment")
    assert {item.name for item in deployments} == {"keys", "keys-database"}
    for deployment in deployments:
        assert inside - {item.urn for item in deployments} <= recorded.before(deployment)


def test_all_images_are_named_by_their_digests(around: Around) -> None:
    recorded = run()
    assert image_of(recorded, "keys").endswith(f"/slipway/keys@{DIGEST}")
    assert image_of(recorded, "keys-database") == f"127.0.0.1:5000/slipway/postgres@sha256:{'cd' * 32}"
    (proxy,) = recorded.manifests("EnvoyProxy")
    container = proxy["spec"]["provider"]["kubernetes"]["envoyDeployment"]["container"]
    assert container["image"] == f"127.0.0.1:5000/slipway/envoy@sha256:{'cd' * 32}"


def test_the_volume_of_the_database_outlives_the_program_and_is_never_replaced(around: Around) -> None:
    recorded = run()
    (claim,) = recorded.of("kubernetes:core/v1:PersistentVolumeClaim")
    assert (claim.retained, claim.ignored) == (True, ("spec",))


def test_what_others_bring_is_neither_made_nor_run(around: Around) -> None:
    """The fixture `shared` has a certificate and a database of others."""
    recorded = run("shared")
    ((_, _, wanted),) = around.ensured
    assert not wanted.database
    assert {item.name for item in recorded.of("kubernetes:apps/v1:Deployment")} == {"keys"}
    assert recorded.manifests("PersistentVolumeClaim") == []


def test_an_adopted_namespace_gets_the_gateway_too(around: Around) -> None:
    recorded = run(adopted=True)
    assert recorded.manifests("Namespace") == []
    assert len(around.ensured) == 1
    assert recorded.manifests("Gateway")
