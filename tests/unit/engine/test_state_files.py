"""What a full disk leaves in Pulumi's folder, and what is done about it."""

import json
import os
import time
from pathlib import Path

import pytest

from slipway.engine.state_files import complained, mend

STATE = json.dumps({"version": 3, "checkpoint": {"stack": "organization/slipway/local"}})


@pytest.fixture
def states(tmp_path: Path) -> Path:
    folder = tmp_path / ".pulumi" / "stacks" / "slipway"
    folder.mkdir(parents=True)
    for name, text in (("local.json", STATE), ("local.json.bak", STATE), ("local.json.attrs", "{}")):
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "slipway" / "local"
    folder.mkdir(parents=True)
    return folder


def cut(path: Path, text: str = "", age_s: float = 60) -> None:
    """Leave a file as a full disk does."""
    path.write_text(text)
    os.utime(path, (time.time() - age_s,) * 2)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_only_the_complaint_about_a_file_that_is_not_whole_counts() -> None:
    assert complained(["failed to load checkpoint: place 1: unexpected end of JSON input"])
    assert complained(["error: EOF\n"])
    assert not complained(["Deployment digits: the pod ended: unexpected end of JSON input in its log", "no EOF here"])


def test_what_is_whole_is_not_touched(tmp_path: Path, states: Path, locks: Path) -> None:
    (locks / "a.json").write_text('{"pid": 1}')
    assert mend(f"file://{tmp_path}", "slipway") == []
    assert names(states) == {"local.json", "local.json.bak", "local.json.attrs"}
    assert names(locks) == {"a.json"}


@pytest.mark.parametrize("name", ["a.json", "a.json.18ea31f0.tmp", "a.json.attrs"])
def test_a_lock_that_was_never_written_is_removed(tmp_path: Path, states: Path, locks: Path, name: str) -> None:
    cut(locks / name)
    (said,) = mend(f"file://{tmp_path}", "slipway")
    assert said.startswith(str(locks / name))
    assert names(locks) == set()


def test_a_lock_that_is_just_being_written_is_waited_for(
    tmp_path: Path, states: Path, locks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(locks / "a.json.18ea31f0.tmp", age_s=0)
    monkeypatch.setattr(time, "sleep", lambda _: (locks / "a.json.18ea31f0.tmp").write_text("{}"))
    assert mend(f"file://{tmp_path}", "slipway") == []
    assert names(locks) == {"a.json.18ea31f0.tmp"}


def test_a_state_that_was_cut_gives_way_to_the_one_before(tmp_path: Path, states: Path) -> None:
    cut(states / "local.json", STATE[:20])
    (said,) = mend(f"file://{tmp_path}", "slipway")
    assert "the state before it is used" in said
    assert (states / "local.json").read_text() == STATE
    assert names(states) == {"local.json"}


def test_a_state_with_nothing_before_it_is_a_stack_that_is_not_there(tmp_path: Path, states: Path) -> None:
    cut(states / "local.json")
    cut(states / "local.json.bak")
    assert len(mend(f"file://{tmp_path}", "slipway")) == 2
    assert not (states / "local.json").exists()


def test_with_a_stack_named_the_files_of_others_stay_as_they_are(tmp_path: Path, states: Path, locks: Path) -> None:
    cut(states / "local.json.attrs")
    cut(states / "local.digits.json")
    cut(locks / "a.json")
    assert len(mend(f"file://{tmp_path}", "slipway", "local")) == 2
    assert names(states) == {"local.json", "local.json.bak", "local.digits.json"}
    assert names(locks) == set()


def test_another_kind_of_backend_is_left_alone(tmp_path: Path, states: Path) -> None:
    cut(states / "local.json")
    assert mend("s3://bucket/states", "slipway") == []
    assert mend("", "slipway") == []
