"""Steps run once and in order, a lock says what came out, and other bytes than those are never served."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slipway.errors.base import UserError
from slipway.lockfile.digests import stale
from slipway.lockfile.files import Locked, lock_text
from slipway.lockfile.model import Lock
from slipway.optimize.bring import bring
from slipway.optimize.locking import make_lock
from slipway.toolbox.errors import StepFailed
from tests.support.steps import Gate, Project, environments, gate, own_cache, script

__all__ = ["environments", "gate", "own_cache"]

REFUSES = "import step\ndef run(request):\n    raise step.Refused('no', 'yes', 'do')\n"
TWO = (script('b"one"'), script('b"two"'))
ACCEPT = {"dataset": "rows.npz", "metric": "accuracy", "max_drop": 0.01}


def made(project: Project) -> Lock:
    lock = make_lock(project.target, project.store, project.tell).lock
    assert lock is not None
    return lock


def locked(project: Project) -> Locked:
    return Locked(made(project), project.lock, project.root)


def forget(project: Project) -> None:
    """Another machine: neither files nor results."""
    for path in sorted(project.cache.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def test_a_lock_says_source_steps_and_what_serves(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, *TWO, accept=ACCEPT)
    gate.metrics = (0.95, 0.95, 0.945)
    lock = made(project)
    assert (lock.source.at, lock.source.format) == ("weights/linear.onnx", "onnx")
    assert sorted(lock.files) == ["requirements.txt", "rows.npz", "step0.py", "step1.py", "weights/linear.onnx"]
    assert [(step.tools, step.deterministic) for step in lock.steps] == [({"notes": "1.0"}, True)] * 2
    assert lock.served.files[0].sha256 == lock.steps[-1].sha256
    assert project.cache.find(lock.served.files[0].sha256) is not None
    assert lock.served.metrics == {"accuracy": 0.945, "agreement": 1.0}
    assert lock.signature.metadata | {"one": "one", "two": "two"} == lock.signature.metadata
    assert stale(project.target.spec, project.root, lock) is None
    assert gate.names == ["source", "1 script step0.py", "2 script step1.py"]


def test_each_step_runs_once_and_says_how_far_it_is(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, *TWO)
    first = made(project)
    assert project.ran() == ["1 of 2: script step0.py", "2 of 2: script step1.py"]
    assert "1 of 2: script step0.py: adds a note" in project.told
    project.told.clear()
    assert made(project) == first
    assert project.ran() == []
    assert "1 of 2: script step0.py: was made before" in project.told


def test_the_same_inputs_give_the_same_lock_in_another_folder_with_another_cache(tmp_path: Path, gate: Gate) -> None:
    texts = {lock_text(made(Project(tmp_path / name, *TWO, accept=ACCEPT))) for name in ("here", "there")}
    assert len(texts) == 1


def test_a_run_that_broke_off_goes_on_after_the_last_step_that_was_made(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, script(), "def run(request):\n    raise SystemExit(7)\n")
    with pytest.raises(StepFailed, match="ended with code 7"):
        made(project)
    project.write(*TWO)
    project.told.clear()
    made(project)
    assert project.ran() == ["2 of 2: script step1.py"]


@pytest.mark.parametrize("file", ["step0.py", "weights/linear.onnx", "requirements.txt"])
def test_what_a_step_reads_decides_whether_it_runs_again(file: str, tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, script())
    made(project)
    project.told.clear()
    path = project.root / file
    more = {
        "step0.py": b"# more\n",
        "requirements.txt": b"# more\n",
        "weights/linear.onnx": b"\x72\x06\n\x01x\x12\x01y",
    }
    path.write_bytes(path.read_bytes() + more[file])
    made(project)
    assert project.ran() == ["1 of 1: script step0.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import step\ndef run(request):\n    raise step.Refused('no', 'yes', 'do')\n",
            "script step0.py: no; allowed: yes",
        ),
        (
            script().replace('"model.onnx",', '"other.onnx",').replace('/ "model.onnx"', '/ "other.onnx"'),
            "wrote other.onnx",
        ),
        (script().replace("request.source.read_bytes()", 'b"no"'), "is not ONNX"),
    ],
)
def test_what_a_step_cannot_do_is_said_with_the_line_of_the_spec(
    text: str, message: str, tmp_path: Path, gate: Gate
) -> None:
    project = Project(tmp_path, text)
    with pytest.raises(UserError) as refused:
        made(project)
    assert message in str(refused.value)
    assert "least.yaml:1: optimize[0]: step 1" in str(refused.value)


def test_a_script_that_writes_nothing_has_failed(tmp_path: Path, gate: Gate) -> None:
    with pytest.raises(StepFailed, match=r"wrote no model\.onnx"):
        made(Project(tmp_path, script().replace("main.write_bytes(", "(")))


def test_a_script_gets_no_more_than_the_spec_says_that_it_reads(tmp_path: Path, gate: Gate) -> None:
    text = script().replace("step.progress", 'request.file("rows.npz"); step.progress')
    with pytest.raises(StepFailed, match=r"rows\.npz"):
        made(Project(tmp_path, text))


def test_a_file_that_a_step_reads_and_is_not_there_is_named(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, script())
    (project.root / "step0.py").unlink()
    with pytest.raises(UserError, match=r"step0\.py: does not exist"):
        made(project)


def test_a_step_may_not_harm_the_file_in_the_repository(tmp_path: Path, gate: Gate) -> None:
    before = (Project(tmp_path / "other").root / "weights/linear.onnx").read_bytes()
    project = Project(tmp_path, script().replace("step.progress", "request.source.write_bytes(b''); step.progress"))
    with pytest.raises(UserError, match=r"is not ONNX|is empty"):
        made(project)
    assert (project.root / "weights/linear.onnx").read_bytes() == before


def test_what_accept_refuses_gives_no_lock(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, script(), accept=ACCEPT)
    gate.metrics = (0.95, 0.9)
    outcome = make_lock(project.target, project.store, project.tell)
    assert outcome.lock is None
    assert [(one.stage, one.rule) for one in outcome.refusals] == [("1 script step0.py", "accept.max_drop")]


def test_bytes_that_are_here_are_not_made_again(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, script())
    there = locked(project)
    project.told.clear()
    bring(there, project.target.spec, project.store, project.tell)
    assert project.told == []


def test_bytes_that_are_not_here_are_made_again_by_the_same_steps(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, *TWO)
    there = locked(project)
    forget(project)
    project.told.clear()
    bring(there, project.target.spec, project.store, project.tell)
    assert project.ran() == ["1 of 2: script step0.py", "2 of 2: script step1.py"]
    assert [project.cache.find(file.sha256) is not None for file in there.lock.served.files] == [True]


def test_two_runs_at_once_make_the_bytes_once(tmp_path: Path, gate: Gate) -> None:
    slow = script().replace("step.progress", "import time; time.sleep(0.5); step.progress")
    project = Project(tmp_path, slow)
    there = locked(project)
    forget(project)
    project.told.clear()
    spec = project.target.spec
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(bring, there, spec, project.store, project.tell) for _ in range(2)]
        assert [run.result() for run in runs] == [None, None]
    assert project.ran() == ["1 of 1: script step0.py"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tools": {"notes": "0.9", "other": "2"}}, "notes 0.9 then, 1.0 now, other 2 then, not there now"),
        ({}, "the tools are the same, so that this processor computes otherwise"),
        ({"deterministic": False}, "the step is not deterministic, and says so"),
    ],
)
def test_other_bytes_are_refused_with_the_step_and_what_is_different_about_it(
    change: dict[str, Any], reason: str, tmp_path: Path, gate: Gate
) -> None:
    project = Project(tmp_path, script())
    there = locked(project)
    forget(project)
    step = there.lock.steps[0].model_copy(update={"sha256": "0" * 64} | change)
    file = there.lock.served.files[0].model_copy(update={"sha256": "0" * 64})
    variant = there.lock.served.model_copy(update={"files": (file,)})
    other = there.lock.model_copy(update={"steps": (step,), "variants": (variant,)})
    with pytest.raises(UserError) as refused:
        bring(Locked(other, project.lock, project.root), project.target.spec, project.store, project.tell)
    assert f"0000000000000000 was locked: {reason}" in str(refused.value)
    assert "slipway lock least here and review what changed" in str(refused.value)


def test_another_source_than_the_locked_one_is_refused_before_anything_runs(tmp_path: Path, gate: Gate) -> None:
    project = Project(tmp_path, script())
    there = locked(project)
    forget(project)
    project.told.clear()
    (project.root / "weights/linear.onnx").write_bytes(b"other")
    with pytest.raises(UserError, match="is stale"):
        bring(there, project.target.spec, project.store, project.tell)
    assert project.told == []
