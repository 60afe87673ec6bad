"""Whole programs on Pulumi's mocks: no engine, no cluster, no registry; what would be registered is recorded."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

import slipway.programs.model
from slipway.commands.context import EnvironmentContext, Folders
from slipway.components.image.component import ModelImage, ModelImageArgs
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.render.model import render_model
from tests.support.recorder import Run, run_program

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "sha256:" + "ab" * 32
CONNECTION = {"context": "slipway-local", "namespace": "slipway", "registry": "127.0.0.1:5000"}


def run(program: Callable[[], None], *, preview: bool = False) -> Run:
    """Run a program of the stack local.digits."""
    return run_program(program, "local.digits", preview=preview, connection=CONNECTION)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> EnvironmentContext:
    """The local environment without its gateway, whose own programs are tried in test_gateway.py."""
    committed = yaml.safe_load((ROOT / "stacks/Pulumi.local.yaml").read_text())
    committed["config"]["slipway:environment"].pop("gateway", None)
    folder = tmp_path_factory.mktemp("stacks")
    (folder / "Pulumi.local.yaml").write_text(yaml.safe_dump(committed))
    return EnvironmentContext("local", Folders(ROOT / "models", folder))


@pytest.fixture
def digits(context: EnvironmentContext) -> ModelPlan:
    return context.plan.find("digits", ROOT / "models")


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """Stand in for Docker and the registry: what the registry has, by reference; `ensure` adds to it."""
    has: dict[str, str | None] = {}

    def args(model: ModelPlan, progress: Callable[[str], None]) -> ModelImageArgs:
        reference = model.image.reference

        def ensure(report: Callable[[str], None]) -> str:
            return has.setdefault(reference, DIGEST) or DIGEST

        return ModelImageArgs(model.image.repository, model.image.tag, lambda: has.get(reference), ensure)

    monkeypatch.setattr(slipway.programs.model, "image_args", args)
    return has


def container(recorder: Run) -> dict[str, Any]:
    (deployment,) = recorder.manifests("Deployment")
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_an_environment_is_a_namespace_with_a_restricted_pod_security_level_and_a_policy_that_denies(
    context: EnvironmentContext,
) -> None:
    recorder = run(context.running.program())
    (namespace,) = recorder.manifests("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (policy,) = recorder.manifests("NetworkPolicy")
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_engine_never_deletes_the_namespace_with_what_others_have_in_it(context: EnvironmentContext) -> None:
    recorder = run(context.running.program())
    kept = {resource.token.rpartition(":")[2]: resource.retained for resource in recorder.resources if resource.custom}
    assert kept["Namespace"]
    assert not kept["NetworkPolicy"]


def test_a_namespace_that_was_adopted_is_not_the_stacks(context: EnvironmentContext) -> None:
    recorder = run(context.running.program(adopted=True))
    assert recorder.manifests("Namespace") == []
    (policy,) = recorder.manifests("NetworkPolicy")
    assert policy["metadata"]["namespace"] == "slipway"
    assert policy["spec"]["podSelector"]["matchLabels"]["slipway.dev/environment"] == "local"
    assert recorder.outputs["connection"]["namespace"] == "slipway"


def test_every_object_of_a_model_is_a_resource_of_its_own(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(context.running.model_programs().model(digits, lambda _: None))
    rendered = {(m["kind"], m["metadata"]["name"]) for m in render_model(digits, "x")}
    registered = {
        (args.token.rpartition(":")[2], args.name)
        for args in recorder.resources
        if args.token.startswith("kubernetes:")
    }
    assert registered == rendered
    assert len(registered) == 7


def test_pods_run_the_image_by_the_digest_that_was_pushed(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(context.running.model_programs().model(digits, lambda _: None))
    assert container(recorder)["image"] == f"{digits.image.repository}@{DIGEST}"
    assert images == {digits.image.reference: DIGEST}


def test_a_preview_builds_nothing_and_shows_the_image_of_the_registry(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    images[digits.image.reference] = "sha256:" + "cd" * 32
    recorder = run(context.running.model_programs().model(digits, lambda _: None), preview=True)
    assert container(recorder)["image"] == f"{digits.image.repository}@sha256:{'cd' * 32}"


def test_a_preview_of_an_image_that_is_not_built_yet_leaves_it_unknown(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(context.running.model_programs().model(digits, lambda _: None), preview=True)
    assert images == {}
    assert "sha256" not in str(container(recorder).get("image"))


def test_an_image_is_not_pushed_before_its_repository_is_there() -> None:
    order = []

    def pushed(report: Callable[[str], None]) -> str:
        order.append("pushed")
        return DIGEST

    async def made() -> str:
        await asyncio.sleep(0.05)
        order.append("made")
        return "repository"

    def program() -> None:
        repository: pulumi.Output[str] = pulumi.Output.from_input(made())
        image = ModelImage("digits", ModelImageArgs("repository", "tag", lambda: None, pushed, repository))
        pulumi.export("image", image.reference)

    assert run(program).outputs["image"] == f"repository@{DIGEST}"
    assert order == ["made", "pushed"]


def test_every_object_uses_the_context_of_its_environments_stack_and_no_credential_is_in_it(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(context.running.model_programs().model(digits, lambda _: None))
    (provider,) = [args for args in recorder.resources if args.token == "pulumi:providers:kubernetes"]
    assert provider.inputs == {"context": "slipway-local", "upsertExistingObjects": True}
    for args in recorder.resources:
        if args.token.startswith("kubernetes:"):
            assert "digits-cluster" in args.provider


def test_a_restore_registers_the_manifests_as_they_were_and_neither_builds_nor_looks_for_an_image(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    image = "127.0.0.1:5000/slipway/digits@sha256:" + "ef" * 32
    manifests = tuple(render_model(digits, image))
    release = Release("digits", "0.9.0", "1" * 64, image, manifests, digits.check)
    recorder = run(context.running.model_programs().release("local", release))
    assert images == {}
    assert container(recorder)["image"] == image
    names = {args.name for args in recorder.resources if args.token.startswith("kubernetes:")}
    assert names == {m["metadata"]["name"] for m in manifests}


def test_no_manifest_carries_a_secret(
    context: EnvironmentContext, digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(context.running.model_programs().model(digits, lambda _: None))
    assert recorder.manifests("Secret") == []
