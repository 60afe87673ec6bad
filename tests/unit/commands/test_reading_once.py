"""An environment's settings file is read and validated once a run, whatever the command needs of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import slipway.commands.changing.up
import slipway.loading.settings
from slipway.commands.changing.session import Options
from slipway.commands.changing.up import bring_up
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.offline import show_plan
from slipway.commands.inspecting.status import show_status
from slipway.deploy.ports import Programs
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.reading.folders import Folders
from slipway.reading.yaml_document import Document, read_document
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from tests.support import project
from tests.support.fake_engine import FakeEngine, FakeProgram
from tests.support.fake_rollout import rollout_program
from tests.support.living_cluster import Behaviour, LivingCluster


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return project.made(tmp_path / "project")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each settings file was read."""
    count: Counter[str] = Counter()

    def counting(path: Path, file: str) -> Document:
        count[path.name] += 1
        return read_document(path, file)

    monkeypatch.setattr(slipway.loading.settings, "read_document", counting)
    return count


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LivingCluster:
    """The cluster of the environment, an engine in memory, a backend in a folder; time passes at once."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    living = LivingCluster()
    engine = FakeEngine(living)

    @contextmanager
    def engine_of(context: EnvironmentContext) -> Iterator[tuple[FakeEngine, Any]]:
        yield engine, SimpleNamespace(is_set=lambda: False, wait=living.pause)

    monkeypatch.setattr(slipway.commands.changing.up, "engine_of", engine_of)
    monkeypatch.setattr(KubernetesRunning, "connect", lambda _: living)
    monkeypatch.setattr(KubernetesRunning, "resume", lambda *_, **__: None)
    monkeypatch.setattr(KubernetesRunning, "program", lambda *_, **__: FakeProgram([]))
    programs = Programs(
        lambda model, _: FakeProgram(render_model(model, placeholder_image(model))),
        lambda _, release: FakeProgram(list(release.manifests)),
        rollout_program,
    )
    monkeypatch.setattr(KubernetesRunning, "model_programs", lambda _: programs)
    return living


def test_a_plan_reads_it_once(folders: Folders, reads: Counter[str]) -> None:
    show_plan(EnvironmentContext("local", folders), (), as_json=False)
    assert reads["Pulumi.local.yaml"] == 1
    assert set(reads.values()) == {1}


def test_status_reads_it_once(folders: Folders, reads: Counter[str], cluster: LivingCluster) -> None:
    show_status(EnvironmentContext("local", folders, ()), (), as_json=True)
    assert reads["Pulumi.local.yaml"] == 1


def test_an_up_that_deploys_a_model_reads_it_once(
    folders: Folders, reads: Counter[str], cluster: LivingCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    context = EnvironmentContext("local", folders, ["least"])
    cluster.put(render_environment(context.plan)[0])
    cluster.behaviours[context.models(["least"])[0].release] = Behaviour(label=1)
    bring_up(context, ["least"], Options(yes=True, jobs=1))
    assert "models answering: least" in capsys.readouterr().out
    assert ("Deployment", "least") in cluster.objects
    assert reads["Pulumi.local.yaml"] == 1
