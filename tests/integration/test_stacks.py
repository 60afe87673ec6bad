"""Stacks are made, updated and destroyed by the real CLI, also after a full disk cut one of its files off."""

import os
import threading
import time
from pathlib import Path

import pytest

from slipway.engine.engine import Engine
from slipway.loading.settings import read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    (tmp_path / "backend").mkdir()
    (tmp_path / "workspace").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'backend'}")
    return Engine(tmp_path / "workspace", read_settings(ROOT / "stacks", "local").secrets, threading.Event())


def test_a_stack_is_made_where_there_is_none_and_taken_where_there_is_one(engine: Engine) -> None:
    engine.up("local", lambda: None, lambda _: None, new=True)
    made = engine.up("local.digits", lambda: None, lambda _: None, new=False)
    assert made.changes == {"create": 1}, "the stack itself is all that an empty program makes"
    assert engine.stacks() == ("local", "local.digits")
    assert engine.up("local.digits", lambda: None, lambda _: None, new=True).changes == {"same": 1}
    assert engine.destroy("local.digits", lambda _: None) is not None
    assert engine.destroy("local.digits", lambda _: None) is None
    assert engine.stacks() == ("local",)


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize(
    "cut",
    [
        "stacks/slipway/local.json",
        "stacks/slipway/local.json.attrs",
        "locks/organization/slipway/local/a.json",
        "locks/organization/slipway/local/a.json.18ea31f0.tmp",
    ],
)
def test_what_a_full_disk_cut_off_does_not_keep_a_stack_from_being_updated_and_destroyed(
    engine: Engine, tmp_path: Path, cut: str, *, new: bool
) -> None:
    for _ in range(2):
        engine.up("local", lambda: None, lambda _: None, new=True)
    file = tmp_path / "backend" / ".pulumi" / cut
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    os.utime(file, (time.time() - 60,) * 2)
    said: list[str] = []
    assert engine.up("local", lambda: None, said.append, new=new).changes == {"same": 1}
    assert [str(file) in text for text in said] == [True]
    assert engine.stacks() == ("local",)
    assert engine.destroy("local", lambda _: None) is not None
