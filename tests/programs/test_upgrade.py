"""An upgrade keeps what the release before made: its stacks are updated in place, and its records are gone back to.

tests/fixtures/upgrade/VERSION has what that version made of the fixtures' local environment: the stacks, as
`pulumi stack export` gives them, of what is held against the programs of now, and the ConfigMap of a model's record.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import slipway.programs.kubernetes
import slipway.programs.model
from slipway.components.image.component import ModelImageArgs
from slipway.deploy.record import saved
from slipway.deploy.restorable import Owner, restorable
from slipway.local.plugins.kubernetes.client.kinds import of as kind_of
from slipway.local.plugins.kubernetes.objects.immutable import fields
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.policy.resource import read
from slipway.settings.kubernetes import Settings
from tests.support.planned import FIXTURES, fixture_plan
from tests.support.recorder import Registered, run_program
from tests.support.releases import deployed, planned

VERSIONS = sorted(path for path in (FIXTURES / "upgrade").iterdir())
CONNECTION = {"context": "slipway-local", "namespace": "slipway", "registry": "127.0.0.1:5000"}
DIGEST = "sha256:" + "ab" * 32
_RELEASE = re.compile(r"-[0-9a-f]{16}\b")
"""Of a ConfigMap's name: each release has its own, and the engine never deletes the one before."""
Resource = dict[str, Any]

each_version = pytest.mark.parametrize("made", VERSIONS, ids=lambda path: str(path.name))


def resources(made: Path, stack: str) -> list[Resource]:
    found: list[Resource] = json.loads((made / f"{stack}.json").read_text())["deployment"]["resources"]
    assert found
    return found


def environment() -> list[Registered]:
    settings = fixture_plan("local").settings
    assert isinstance(settings, Settings)
    program = slipway.programs.kubernetes.environment_program("local", settings)
    return run_program(program, "local", connection=CONNECTION).resources


def least(monkeypatch: pytest.MonkeyPatch, release: Release | None = None) -> list[Registered]:
    def args(model: ModelPlan, _: Callable[[str], None]) -> ModelImageArgs:
        return ModelImageArgs(model.image.repository, model.image.tag, lambda: DIGEST, lambda report: DIGEST)

    monkeypatch.setattr(slipway.programs.model, "image_args", args)
    programs = slipway.programs.model.programs("local", fixture_plan("local").settings)
    program = programs.release("local", release) if release else programs.model(planned(), lambda text: None)
    return run_program(program, "local.least", connection=CONNECTION).resources


def lost(before: list[Resource], now: list[Registered]) -> set[str]:
    """What the engine would delete: nothing registers it, under its name or as an alias."""
    known = {_same(urn) for resource in now for urn in (resource.urn, *resource.aliases)}
    return {resource["urn"] for resource in before if _same(resource["urn"]) not in known}


def _same(urn: str) -> str:
    return _RELEASE.sub("", urn)


def replaced(before: list[Resource], now: list[Registered]) -> list[str]:
    """What the engine would make anew: a field that cannot change in place has another value."""
    by_urn = {urn: resource for resource in now for urn in (*resource.aliases, resource.urn)}
    found = []
    for old in before:
        new = by_urn.get(old["urn"])
        if new is None or not old["custom"]:
            continue
        paths: tuple[str, ...] = ("context", "kubeconfig")
        if old["type"].startswith("kubernetes:"):
            paths = fields(kind_of(old["inputs"]), old["inputs"], mutable_config_maps=False, mutable_secrets=False)
        found += [f"{old['urn']}: {path}" for path in paths if read(old["inputs"], path) != read(new.inputs, path)]
    return found


@each_version
def test_the_environments_stack_is_updated_in_place(made: Path) -> None:
    before, now = resources(made, "local"), environment()
    assert lost(before, now) == set()
    assert replaced(before, now) == []


@each_version
def test_a_models_stack_is_updated_in_place(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = resources(made, "local.least"), least(monkeypatch)
    assert lost(before, now) == set()
    assert replaced(before, now) == []


@each_version
def test_what_was_never_to_be_deleted_still_is_not(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stack, now in (("local", environment()), ("local.least", least(monkeypatch))):
        kept = {_same(one["urn"]) for one in resources(made, stack) if one.get("retainOnDelete")}
        assert kept
        assert kept <= {_same(resource.urn) for resource in now if resource.retained}


@each_version
def test_a_record_is_gone_back_to(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = deployed(planned())
    cluster._put(json.loads((made / "least-verified.json").read_text()))
    release = restorable(cluster, Owner.of(planned()))
    assert release is not None
    assert release == saved(cluster, "least")
    before = [one for one in resources(made, "local.least") if one["type"] != "slipway:image:ModelImage"]
    now = least(monkeypatch, release)
    assert lost(before, now) == set()
    assert replaced(before, now) == []


def test_the_check_sees_a_resource_that_got_another_name_or_another_selector() -> None:
    before = resources(VERSIONS[-1], "local")
    now = environment()
    renamed = [replace(resource, urn=f"{resource.urn}2") for resource in now]
    assert len(lost(before, renamed)) == len(before)
    assert lost(before, [replace(new, aliases=(old.urn,)) for new, old in zip(renamed, now, strict=True)]) == set()
    moved = [replace(resource, inputs=resource.inputs | {"metadata": {"namespace": "other"}}) for resource in now]
    assert any("metadata.namespace" in one for one in replaced(before, moved))
