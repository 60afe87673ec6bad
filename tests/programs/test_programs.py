"""Whole programs on Pulumi's mocks: no engine, no cluster, no registry; what would be registered is recorded."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

import stacks.environment
import stacks.model
from infra.components.image import ModelImageArgs
from infra.deploy.record import Release
from infra.opened import Folders, Opened
from infra.plan import ModelPlan
from infra.render import render_model

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "sha256:" + "ab" * 32


class Recorder(pulumi.runtime.Mocks):
    """Answers like an engine without a provider: every resource gets its inputs back as its outputs."""

    def __init__(self) -> None:
        self.resources: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.resources.append(args)
        outputs = dict(args.inputs)
        if args.typ == "pulumi:pulumi:StackReference":
            outputs["outputs"] = {
                "connection": {"context": "slipway-local", "namespace": "slipway", "registry": "127.0.0.1:5000"}
            }
            outputs["secretOutputNames"] = []
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"no function of a provider is to be called: {args.token}")

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [args.inputs for args in self.resources if args.typ.rpartition(":")[2] == kind]


def run(program: Callable[[], None], *, preview: bool = False) -> Recorder:
    """Run a program to its end as the language host does, and return what it registered."""
    recorder = Recorder()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(recorder, project="slipway", stack="local.digits", preview=preview)
        mocks.test(program)()  # type: ignore[no-untyped-call]
    finally:
        loop.close()
    return recorder


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened("local", Folders(ROOT / "models", ROOT / "stacks"))


@pytest.fixture
def digits(opened: Opened) -> ModelPlan:
    return opened.plan.find("digits", ROOT / "models")


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """Stand in for Docker and the registry: what the registry has, by reference; `ensure` adds to it."""
    has: dict[str, str | None] = {}

    def args(model: ModelPlan, progress: Callable[[str], None]) -> ModelImageArgs:
        reference = model.image.reference

        def ensure(report: Callable[[str], None]) -> str:
            return has.setdefault(reference, DIGEST) or DIGEST

        return ModelImageArgs(model.image.repository, model.image.tag, lambda: has.get(reference), ensure)

    monkeypatch.setattr(stacks.model, "image_args", args)
    return has


def container(recorder: Recorder) -> dict[str, Any]:
    (deployment,) = recorder.of("Deployment")
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


def test_an_environment_is_a_namespace_with_a_restricted_pod_security_level_and_a_policy_that_denies(
    opened: Opened,
) -> None:
    recorder = run(stacks.environment.program("local", opened.settings))
    (namespace,) = recorder.of("Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (policy,) = recorder.of("NetworkPolicy")
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_object_of_a_model_is_a_resource_of_its_own(digits: ModelPlan, images: dict[str, str | None]) -> None:
    recorder = run(stacks.model.program(digits, lambda _: None))
    rendered = {(m["kind"], m["metadata"]["name"]) for m in render_model(digits, "x")}
    registered = {
        (args.typ.rpartition(":")[2], args.name) for args in recorder.resources if args.typ.startswith("kubernetes:")
    }
    assert registered == rendered
    assert len(registered) == 7


def test_pods_run_the_image_by_the_digest_that_was_pushed(digits: ModelPlan, images: dict[str, str | None]) -> None:
    recorder = run(stacks.model.program(digits, lambda _: None))
    assert container(recorder)["image"] == f"{digits.image.repository}@{DIGEST}"
    assert images == {digits.image.reference: DIGEST}


def test_a_preview_builds_nothing_and_shows_the_image_of_the_registry(
    digits: ModelPlan, images: dict[str, str | None]
) -> None:
    images[digits.image.reference] = "sha256:" + "cd" * 32
    recorder = run(stacks.model.program(digits, lambda _: None), preview=True)
    assert container(recorder)["image"] == f"{digits.image.repository}@sha256:{'cd' * 32}"


def test_a_preview_of_an_image_that_is_not_built_yet_leaves_it_unknown(
    digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(stacks.model.program(digits, lambda _: None), preview=True)
    assert images == {}
    assert "sha256" not in str(container(recorder).get("image"))


def test_every_object_uses_the_context_of_its_environments_stack_and_no_credential_is_in_it(
    digits: ModelPlan, images: dict[str, str | None]
) -> None:
    recorder = run(stacks.model.program(digits, lambda _: None))
    (provider,) = [args for args in recorder.resources if args.typ == "pulumi:providers:kubernetes"]
    assert provider.inputs == {"context": "slipway-local", "upsertExistingObjects": True}
    for args in recorder.resources:
        if args.typ.startswith("kubernetes:"):
            assert args.provider is not None
            assert "digits-cluster" in args.provider


def test_a_restore_registers_the_manifests_as_they_were_and_neither_builds_nor_looks_for_an_image(
    digits: ModelPlan, images: dict[str, str | None]
) -> None:
    image = "127.0.0.1:5000/slipway/digits@sha256:" + "ef" * 32
    manifests = tuple(render_model(digits, image))
    release = Release("digits", "0.9.0", "1" * 64, image, manifests, {})
    recorder = run(stacks.model.release_program("local", release))
    assert images == {}
    assert container(recorder)["image"] == image
    names = {args.name for args in recorder.resources if args.typ.startswith("kubernetes:")}
    assert names == {m["metadata"]["name"] for m in manifests}


def test_no_manifest_carries_a_secret(digits: ModelPlan, images: dict[str, str | None]) -> None:
    recorder = run(stacks.model.program(digits, lambda _: None))
    assert recorder.of("Secret") == []
