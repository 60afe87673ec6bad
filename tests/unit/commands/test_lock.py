"""`slipway lock` writes a lock that is accepted, leaves it as it is else, and says with --check what would change."""

from pathlib import Path
from typing import Any

import pytest

from slipway.commands.artifacts.lock import lock_models
from slipway.errors.base import UserError
from slipway.loading.specs import load_spec_file
from slipway.optimize import locking
from slipway.reading.folders import Folders
from slipway.sources.cache import Cache
from tests.support.steps import Gate, Project, environments, gate, own_cache, script

__all__ = ["environments", "gate", "own_cache"]

ACCEPT = {"dataset": "rows.npz", "metric": "accuracy", "max_drop": 0.01}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    found = Project(tmp_path, script(), accept=ACCEPT)
    monkeypatch.setattr(Cache, "of_user", classmethod(lambda _: found.cache))
    monkeypatch.chdir(found.root)
    return found


def lock(*models: str, check: bool = False, report: Path | None = None) -> None:
    lock_models(models, Folders(Path("models"), Path("stacks"), offline=True), report, check=check)


def test_what_is_accepted_is_written_and_plans(
    project: Project, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    lock("least")
    said = capsys.readouterr().out
    assert "source" in said
    assert "1 script step0.py" in said
    assert "wrote  models/least.lock.yaml: onnx" in said
    found = load_spec_file(project.spec, project.root, [], project.store)
    assert found.base.locked is not None
    lock("least", check=True)
    assert "ok  models/least.lock.yaml" in capsys.readouterr().out


def test_what_accept_refuses_is_shown_and_the_lock_stays(
    project: Project, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    lock()
    before = project.lock.read_bytes()
    project.write(script('b"other"'), accept=ACCEPT)
    gate.metrics = (0.95, 0.9)
    with pytest.raises(UserError) as refused:
        lock()
    assert refused.value.exit_code == 1
    assert "accuracy falls from 0.95 to 0.9, by 0.05; allowed: at most 0.01" in str(refused.value)
    assert "refused: accept.max_drop" in capsys.readouterr().out
    assert project.lock.read_bytes() == before


def test_check_writes_nothing_and_names_what_would_change(project: Project, gate: Gate) -> None:
    with pytest.raises(UserError, match=r"least\.lock\.yaml: does not exist"):
        lock(check=True)
    assert not project.lock.exists()
    lock()
    before = project.lock.read_bytes()
    project.write(script(version="2.0"), accept=ACCEPT)
    with pytest.raises(UserError) as refused:
        lock(check=True)
    assert "steps[0].tools.notes is 1.0, and 2.0 now" in str(refused.value)
    assert "files.step0.py is" in str(refused.value)
    assert project.lock.read_bytes() == before


def test_a_lock_that_nobody_wrote_so_is_written_anew(project: Project, gate: Gate) -> None:
    lock()
    before = project.lock.read_bytes()
    project.lock.write_text("lock: 1\n")
    with pytest.raises(UserError, match="is not what slipway lock writes"):
        lock(check=True)
    lock()
    assert project.lock.read_bytes() == before


def test_a_file_that_changes_meanwhile_gives_no_lock(
    project: Project, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*arguments: Any, **options: Any) -> Any:
        (project.root / "rows.npz").write_bytes(b"other rows")
        return gate(*arguments, **options)

    monkeypatch.setattr(locking, "measure", measure)
    with pytest.raises(UserError, match="changed while the steps ran"):
        lock()
    assert not project.lock.exists()


def test_a_model_that_no_spec_has_is_said(project: Project, gate: Gate) -> None:
    with pytest.raises(UserError, match=r'"lest" is not known; allowed: least; next: did you mean least\?'):
        lock("lest")


def test_where_no_spec_needs_a_lock_nothing_is_done(
    project: Project, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write()
    lock()
    assert "no spec needs a lock" in capsys.readouterr().out
    assert not project.lock.exists()


def test_a_plain_model_may_be_locked_too_and_serves_the_same_file(project: Project, gate: Gate) -> None:
    project.write()
    plain = load_spec_file(project.spec, project.root, [], project.store).base.artifact
    lock("least")
    locked = load_spec_file(project.spec, project.root, [], project.store).base
    assert locked.locked is not None
    assert [(file.name, file.sha256) for file in locked.artifact.files] == [
        (file.name, file.sha256) for file in plain.files
    ]
    assert gate.names == []
