"""`slipway touched` on a fake cluster and engine: what has drifted, what is unknown, and how it ends."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.cluster.rollout import REVISION
from slipway.commands.context import Folders
from slipway.commands.previewing import touched as command
from slipway.engine.previewed import PlannedStep, StackPreview
from slipway.errors.base import DeployError, SlipwayError, UserError
from slipway.errors.failures import NotUpYet, StackLocked
from tests.support.fake_cluster import FakeCluster
from tests.unit.commands import test_changes as live

folders, cluster = live.folders, live.cluster


def step(does: str, resource: str, *because: str) -> PlannedStep:
    return PlannedStep(does, resource, f"urn:{resource}", because)


@dataclass
class Engine:
    """Has these stacks, and of each the steps of a refresh, or why it cannot be asked."""

    found: Mapping[str, tuple[PlannedStep, ...] | SlipwayError]

    def stacks(self) -> tuple[str, ...]:
        return (*self.found, "other", "other.least")

    def preview(self, stack: str, program: Any) -> StackPreview:
        assert program is None, "drift is a refresh, without a program"
        found = self.found[stack]
        if isinstance(found, SlipwayError):
            raise found
        return StackPreview(stack, found, 3)


Found = Mapping[str, tuple[PlannedStep, ...] | SlipwayError]


def run(monkeypatch: pytest.MonkeyPatch, folders: Folders, found: Found, *arguments: str) -> Result:
    @contextmanager
    def engine_of(_: object) -> Iterator[tuple[Engine, threading.Event]]:
        yield Engine(found), threading.Event()

    monkeypatch.setattr(command, "engine_of", engine_of)
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    return CliRunner().invoke(cli, ("touched", "local", *arguments, *named))


def test_nothing_that_drifted_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, cluster: FakeCluster
) -> None:
    done = run(monkeypatch, folders, {"local": (), "local.least": ()})
    assert (done.exit_code, done.stdout) == (0, "local: 0 of 2 stacks drifted\n")


def test_what_drifted_is_said_by_stack_the_environments_own_first_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, cluster: FakeCluster
) -> None:
    cluster.objects["Deployment", "least"]["metadata"]["annotations"][REVISION] = "9"  # as its controller counts
    found = {
        "local.least": (step("update", "Service least", "spec.type", "metadata.labels"),),
        "local": (step("delete", "NetworkPolicy default"),),
    }
    done = run(monkeypatch, folders, found)
    assert done.stdout.splitlines() == [
        "local: NetworkPolicy default is gone",
        "local.least: somebody changed the template of its pods since it was judged right",
        "local.least: Service least is not what it was made (spec.type, metadata.labels)",
        "local: 2 of 2 stacks drifted",
    ]
    assert isinstance(done.exception, DeployError)
    assert "slipway up local --refresh" in str(done.exception)


def test_only_the_models_that_are_named_are_asked_about(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, cluster: FakeCluster
) -> None:
    found = {"local": (step("delete", "NetworkPolicy default"),), "local.least": ()}
    assert run(monkeypatch, folders, found, "least").stdout == "local: 0 of 1 stacks drifted\n"
    unknown = run(monkeypatch, folders, found, "most")
    assert isinstance(unknown.exception, UserError)
    assert 'model: "most" is not known' in str(unknown.exception)


def test_a_stack_that_cannot_be_asked_is_unknown_never_right(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, cluster: FakeCluster
) -> None:
    found: Found = {"local": (), "local.least": StackLocked("local.least", "somebody", 60)}
    done = run(monkeypatch, folders, found, "--json")
    own, model = json.loads(done.stdout)["stacks"]
    assert (own["drift"], own["unknown"]) == ([], None)
    assert model["drift"] is None
    assert "somebody" in model["unknown"]
    assert isinstance(done.exception, command.DriftUnknown)
    assert done.exception.exit_code == 3


def test_an_environment_without_a_stack_is_not_up(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, cluster: FakeCluster
) -> None:
    assert isinstance(run(monkeypatch, folders, {}).exception, NotUpYet)
