"""The programs of the committed AWS environments, run once each on Pulumi's mocks."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import slipway.programs.aws
import slipway.programs.kubernetes
import slipway.programs.model
from slipway.artifacts.golden_request import GoldenRequest
from slipway.catalog.pod_contract import FETCHING_CONTAINER
from slipway.components.image.component import ModelImageArgs
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups
from slipway.environments.running.pool_change import NodeObjects
from slipway.loading.settings import load_settings
from slipway.plan.image import ImagePlan
from slipway.plan.release import Release
from slipway.render.fetching import CAPTURE_VOLUME
from slipway.settings.aws import AwsSettings
from slipway.settings.aws_network import ApiAccess
from tests.support.recorder import Registered, Run, run_program

STACKS = Path(__file__).resolve().parents[2] / "stacks"
ENVIRONMENTS = ("dev", "staging", "prod")
GATEWAYS = ("dev", "staging")
"""Those with a gateway."""
TODAY = date(2026, 11, 21)
KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)
KEYS_DIGEST = "sha256:" + "cd" * 32
KUBECONFIG = '{"kind": "Config"}'


@lru_cache
def settings_of(environment: str) -> AwsSettings:
    settings = load_settings(STACKS, environment, TODAY)
    assert isinstance(settings, AwsSettings)
    return settings


def program_of(
    environment: str,
    settings: AwsSettings,
    kept: Sequence[NodeGroup] = (),
    staying: NodeObjects | None = None,
) -> Callable[[], None]:
    """The program of an environment's stack, with the node groups of its settings and those that are `kept`.

    Of a gateway neither cluster nor Docker is asked: its secrets are there, and the image of its keys service.
    """
    program = slipway.programs.aws.environment_program(environment, settings, (*node_groups(settings), *kept), staying)

    def run() -> None:
        with gateway_is_there():
            program()

    return run


@contextmanager
def gateway_is_there() -> Iterator[None]:
    """Let programs find the secrets of a gateway in the cluster, and the image of its keys service in the registry."""
    there: dict[str, Any] = {"ensure_secrets": lambda *_: lambda *_: None, "keys_image_args": _image_that_is_there}
    with ExitStack() as patched:
        patched.enter_context(patch.multiple(slipway.programs.aws, copied_image_args=_copy_that_is_there, **there))
        patched.enter_context(patch.multiple(slipway.programs.kubernetes, pinned=_pinned, **there))
        yield


def _pinned(image: str) -> str:
    return f"{image.rpartition(':')[0]}@{KEYS_DIGEST}"


def _image_that_is_there(image: ImagePlan) -> ModelImageArgs:
    return ModelImageArgs(image.repository, image.tag, lambda: KEYS_DIGEST, lambda _: KEYS_DIGEST)


def _copy_that_is_there(image: str, target: str) -> ModelImageArgs:
    repository, _, tag = target.rpartition(":")
    assert image.partition("@")[0].endswith(f":{tag}")
    return ModelImageArgs(repository, tag, lambda: KEYS_DIGEST, lambda _: KEYS_DIGEST)


@lru_cache
def run_of(environment: str) -> Run:
    return run_program(program_of(environment, settings_of(environment)), environment)


def closed(*, internal: bool = True) -> AwsSettings:
    """The environment with a gateway, with a bastion and without NAT."""
    settings = settings_of("staging")
    assert settings.gateway is not None
    gateway = settings.gateway.model_copy(update={"internal": internal, "zone": None})
    return settings.model_copy(update={"nat": "none", "gateway": gateway, "api": ApiAccess(bastion=True)})


@lru_cache
def run_of_model(environment: str, *, fetches: bool = True, captures: bool = False) -> Run:
    """A model of the environment, `digits`, brought back to a release: no image is built for that.

    `fetches`: whether its pods fetch their weights from the model store. `captures`: whether they store samples there.
    """
    settings = settings_of(environment)
    image = f"{settings.registry}/slipway/{environment}/digits@sha256:{'ab' * 32}"
    pod: dict[str, Any] = {"serviceAccountName": "digits", "containers": [{"name": "server", "image": image}]}
    if fetches:
        pod["initContainers"] = [{"name": FETCHING_CONTAINER, "image": image}]
    if captures:
        pod["volumes"] = [{"name": CAPTURE_VOLUME}]
    meta = {"name": "digits", "namespace": settings.namespace}
    manifests: tuple[dict[str, Any], ...] = (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"template": {"spec": pod}}},
    )
    release = Release("digits", "1.0.0", "1" * 64, image, manifests, GoldenRequest("onnxruntime", {}, {}, 2.0))
    connection = {
        "context": f"slipway-{environment}",
        "namespace": settings.namespace,
        "registry": settings.registry,
        "kubeconfig": KUBECONFIG,
        "key": KEY,
    }
    program = slipway.programs.model.programs(
        environment, settings, slipway.programs.aws.model_parts(settings)
    ).release(environment, release)
    return run_program(program, f"{environment}.digits", connection=connection)


def runs() -> Iterator[tuple[str, Run]]:
    """Every environment, and a model in each, by the name of its stack."""
    for environment in ENVIRONMENTS:
        yield environment, run_of(environment)
        yield f"{environment}.digits", run_of_model(environment)
        yield f"{environment}.digits", run_of_model(environment, fetches=False, captures=True)


def everything() -> Iterator[tuple[str, Registered]]:
    """Every AWS resource of every run, with the name of its stack."""
    for stack, run in runs():
        for resource in run.aws():
            yield stack, resource


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy that is registered, with the resource that it belongs to."""
    for stack, resource in everything():
        for key in ("policy", "assumeRolePolicy"):
            if resource.token != "aws:ecr/lifecyclePolicy:LifecyclePolicy" and key in resource.inputs:
                for statement in json.loads(resource.inputs[key])["Statement"]:
                    yield f"{stack} {resource.name}", statement
