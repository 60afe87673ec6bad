"""What is kept can be looked at, and what nobody used for long goes; nothing else does."""

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from slipway.cli import cli
from slipway.sources.cache import Cache

OLD = time.time() - 40 * 86_400


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "slipway"


def file(path: Path, size: int, used: float | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    if used is not None:
        os.utime(path, (used, used))
    return path


def box(home: Path, name: str, used: float | None = None) -> Path:
    folder = home / "toolboxes" / name
    file(folder / "bin" / "python", 2000)
    (folder / "bin" / "python3").symlink_to("python")
    if used is not None:
        os.utime(folder, (used, used))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["cache", *arguments])


def test_nothing_is_kept_at_first() -> None:
    done = run()
    assert done.exit_code == 0
    assert "weights    fetched, and made by steps  0        0 bytes" in done.output


def test_what_is_kept_is_shown_and_stays(home: Path) -> None:
    weights = file(home / "artifacts" / "sha256" / "ab", 1500, OLD)
    tools = box(home, "onnx-1")
    done = run()
    assert done.exit_code == 0
    rows = {line.split()[0]: line.split()[-6:] for line in done.output.splitlines() if line}
    assert rows["weights"][-5:] == ["1", "1.5", "kB", "1.5", "kB"]
    assert rows["toolboxes"][-5:] == ["1", "2.0", "kB", "0", "bytes"]
    assert weights.exists()
    assert tools.exists()


def test_what_nobody_used_for_long_is_removed(home: Path) -> None:
    old = [
        file(home / "artifacts" / "sha256" / "ab", 1500, OLD),
        file(home / "artifacts" / "partial" / "cd.part", 10, OLD),
        box(home, "onnx-1", OLD),
    ]
    new = [file(home / "artifacts" / "sha256" / "ef", 10), box(home, "onnx-2"), file(home / "tools" / "pulumi", 1, OLD)]
    done = run("--prune")
    assert done.exit_code == 0
    assert "3.5 kB are free again in" in done.output
    assert not [path for path in old if path.exists()]
    assert [path for path in new if not path.exists()] == []


def test_old_weights_that_were_asked_for_again_stay(home: Path, tmp_path: Path) -> None:
    cache = Cache.of_user()
    made = file(tmp_path / "made", 100)
    sha256 = cache.take(made)
    mark = home / "artifacts" / "used" / sha256
    for path in (cache.place(sha256), mark):
        os.utime(path, (OLD, OLD))
    assert cache.find(sha256) is not None
    run("--prune")
    assert cache.place(sha256).exists()
    os.utime(mark, (OLD, OLD))
    run("--prune", "--days", "60")
    assert cache.place(sha256).exists()
    run("--prune", "--days", "30")
    assert not cache.place(sha256).exists()


def test_what_another_process_holds_is_left(home: Path) -> None:
    part = file(home / "artifacts" / "partial" / "cd.part", 10, OLD)
    with FileLock(part.with_name("cd.lock")):
        assert run("--prune").exit_code == 0
        assert part.exists()
    run("--prune")
    assert not part.exists()


@pytest.mark.parametrize("days", ["0", "-1", "3651", "soon"])
def test_days_that_make_no_sense_are_refused(days: str) -> None:
    done = run("--days", days)
    assert done.exit_code != 0
    assert "--days" in done.output
