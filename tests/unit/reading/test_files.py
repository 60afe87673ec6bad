"""Whatever a person names is a regular file below the repository's root, links followed, and the thing itself."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway.errors.base import UserError
from slipway.loading.settings import load_settings
from slipway.loading.specs import load_spec_file
from slipway.reading.files import BadFile, inside, open_regular
from tests.support.planned import FIXTURES

SPEC = (FIXTURES / "spec/ok/least.yaml").read_text()
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one model, and a file outside of it."""
    (tmp_path / "secret").write_text("token: of the deployer\n")
    root = tmp_path / "repo"
    shutil.copytree(FIXTURES / "repo", root)
    (root / "models").mkdir()
    (root / "models/least.yaml").write_text(SPEC)
    return root


def refusal(root: Path) -> str:
    with pytest.raises(UserError) as refused:
        load_spec_file(root / "models/least.yaml", root)
    return str(refused.value)


@pytest.mark.parametrize("name", ["weights/linear.onnx", "checks/linear.json", "models/least.yaml"])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_out_of_the_repository_is_refused_with_its_target(root: Path, name: str, absolute: bool) -> None:
    link = root / name
    link.unlink()
    target = str(root.parent / "secret") if absolute else "../../secret"
    link.symlink_to(target)
    said = refusal(root)
    assert f"leads out of {root}: {name} is a link to {target}; allowed: " in said
    assert "of the deployer" not in said


def test_a_link_of_a_folder_that_leads_out_is_refused(root: Path) -> None:
    shutil.move(root / "weights", root.parent / "elsewhere")
    (root / "weights").symlink_to("../elsewhere")
    assert "weights is a link to ../elsewhere; allowed" in refusal(root)


def test_of_a_chain_of_links_the_one_that_leads_out_is_named(root: Path) -> None:
    (root / "weights/linear.onnx").rename(root.parent / "linear.onnx")
    (root / "weights/linear.onnx").symlink_to("../second")
    (root / "second").symlink_to("checks/../third")
    (root / "third").symlink_to("../linear.onnx")
    assert "third is a link to ../linear.onnx; allowed" in refusal(root)


def test_a_link_that_leaves_and_comes_back_is_one_within(root: Path) -> None:
    (root / "weights/linear.onnx").rename(root / "elsewhere.onnx")
    (root / "weights/linear.onnx").symlink_to(f"../../{root.name}/elsewhere.onnx")
    assert load_spec_file(root / "models/least.yaml", root).name == "least"


def test_the_links_of_a_hugging_face_cache_are_followed(root: Path) -> None:
    blobs, snapshot = root / "hub/blobs", root / "hub/snapshots/0a1b"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (root / "weights/linear.onnx").rename(blobs / "5d3b58")
    (snapshot / "model.onnx").symlink_to("../../blobs/5d3b58")
    (root / "models/least.yaml").write_text(SPEC.replace("weights/linear.onnx", "hub/snapshots/0a1b/model.onnx"))
    (weights,) = load_spec_file(root / "models/least.yaml", root).base.artifact.files
    assert (weights.name, weights.path) == ("model.onnx", blobs / "5d3b58")


def test_a_repository_that_is_itself_behind_a_link_is_no_link_out_of_it(root: Path) -> None:
    (root.parent / "shortcut").symlink_to(root)
    shortcut = root.parent / "shortcut"
    assert load_spec_file(shortcut / "models/least.yaml", shortcut).name == "least"


def test_settings_behind_a_link_out_of_their_repository_are_refused(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    shutil.copy(FIXTURES / "settings/ok/Pulumi.local.yaml", tmp_path / "others.yaml")
    (tmp_path / "stacks/Pulumi.local.yaml").symlink_to("../others.yaml")
    with pytest.raises(UserError, match=r"Pulumi.local.yaml is a link to ../others.yaml"):
        load_settings(tmp_path / "stacks", "local")
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    assert load_settings(tmp_path / "stacks", "local")


def test_links_in_a_circle_are_refused(root: Path) -> None:
    path = root / "weights/linear.onnx"
    path.unlink()
    path.symlink_to("linear.onnx")
    assert "cannot be read: Too many levels of symbolic links" in refusal(root)


@pytest.fixture
def bound() -> Iterator[Callable[[Path], None]]:
    sockets = []

    def bind(path: Path) -> None:
        made = socket.socket(socket.AF_UNIX)
        sockets.append(made)
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket is short
        made.bind(path.name)
        os.chdir(here)

    yield bind
    for made in sockets:
        made.close()


@pytest.mark.parametrize("name", ["weights/linear.onnx", "checks/linear.json", "models/least.yaml"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_regular_file_is_refused_without_waiting_for_it(
    root: Path, name: str, kind: str, bound: Callable[[Path], None]
) -> None:
    path = root / name
    path.unlink()
    {"pipe": os.mkfifo, "socket": bound, "device": _device}[kind](path)
    assert "is not a regular file; allowed: " in refusal(root)


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


def test_a_file_that_became_a_pipe_after_it_was_looked_at_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadFile, match="is not a regular file"):
        open_regular(inside(tmp_path / "pipe", tmp_path), "a file")


@pytest.mark.parametrize("name", ["weights/linear.onnx", "checks/linear.json", "models/least.yaml"])
def test_a_pointer_of_git_lfs_is_called_one(root: Path, name: str) -> None:
    (root / name).write_text(POINTER)
    assert "is a Git LFS pointer, not the file itself; allowed: " in refusal(root)
    assert "next: `git lfs pull` fetches the file" in refusal(root)


def test_a_folder_for_an_artifact_is_refused_by_its_slash(root: Path) -> None:
    (root / "models/least.yaml").write_text(SPEC.replace("weights/linear.onnx", "weights/linear.onnx/"))
    assert "ends in '/', as a folder does; " in refusal(root)
