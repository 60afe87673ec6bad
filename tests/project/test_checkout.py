"""A checkout has the same bytes on every machine, since digests of files are names of releases."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def git(*arguments: str, folder: Path) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="this is no checkout of git")
def test_no_line_break_changes_where_git_is_set_up_as_on_windows(tmp_path: Path) -> None:
    """Of a few files of each kind, checked in and out anew by a git that would write CRLF."""
    files = [".gitattributes", "models/digits.yaml", "models/digits/model.onnx", "models/digits/seven.png"]
    files += [
        "server/requirements.txt",
        "templates/image/model.Dockerfile.j2",
        "infra/slipway/cli/entry.py",
        "infra/bootstrap",
    ]
    git("init", "--quiet", folder=tmp_path)
    for key, value in (("core.autocrlf", "true"), ("core.eol", "crlf"), ("core.safecrlf", "false")):
        git("config", key, value, folder=tmp_path)
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    git("add", ".", folder=tmp_path)
    for name in files:
        (tmp_path / name).unlink()
    git("checkout", "--", ".", folder=tmp_path)
    for name in files:
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes(), name


def test_binary_files_are_named_as_such() -> None:
    """Git guesses by NUL bytes; a file without any would be taken for text."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of git")
    told = git("check-attr", "text", "a.onnx", "a.png", "a.npz", "a.bin", folder=ROOT)
    assert told.count("text: unset") == 4
