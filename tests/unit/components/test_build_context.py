"""An image gets the bytes that its plan saw, or it is not built."""

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import docker.errors
import onnx
import pytest

from slipway import installation
from slipway.components.image import build
from slipway.components.image import planned as planned_images
from slipway.components.image.build_context import planned_context
from slipway.components.image.planned import image_args
from slipway.errors.base import DeployError
from slipway.errors.images import FileChanged
from slipway.loading.settings import load_settings
from slipway.loading.specs import load_spec_file
from slipway.plan.code_digests import CodeDigests, code_digests
from slipway.plan.image import ImageFile
from slipway.planner.environment import ModelPlan, plan
from slipway.runtimes.registry import recipe
from tests.support.planned import FIXTURES

SPEC = (FIXTURES / "spec/ok/least.yaml").read_text()


Code = Mapping[str, CodeDigests]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one model, whose weights are in a file beside it."""
    shutil.copytree(FIXTURES / "repo", tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "weights"
    model = onnx.load(weights / "linear.onnx")
    onnx.save(model, weights / "linear.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/least.yaml").write_text(SPEC)
    return tmp_path


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Code:
    """The digests of a copy of the server's code, and of a copy of its requirements."""
    digests = code_digests()
    made = recipe("onnxruntime")
    source = tmp_path / "server/src" / made.package
    requirements = tmp_path / "server/requirements.txt"
    shutil.copytree(installation.package(made.package), source)
    shutil.copy(installation.resource(made.requirements), requirements)
    monkeypatch.setattr(installation, "package", lambda _: source)
    real = installation.resource
    copied = {made.requirements: requirements}
    monkeypatch.setattr(installation, "resource", lambda path: copied.get(path) or real(path))
    return digests


def planned(root: Path, code: Code) -> ModelPlan:
    spec = load_spec_file(root / "models/least.yaml", root)
    settings = load_settings(FIXTURES / "settings/ok", "local")
    return plan("local", settings, [spec], code).models[0]


class Registry:
    """A Docker Engine that builds and pushes what it is told to, and notes it."""

    def __init__(self) -> None:
        self.images = self.api = self
        self.done: list[str] = []
        self.contexts: dict[str, list[str]] = {}
        self.platforms: list[str] = []

    def get_registry_data(self, reference: str) -> Any:
        raise docker.errors.NotFound(reference)

    def build(self, fileobj: Any, tag: str, platform: str, **_: object) -> Iterator[dict[str, str]]:
        self.platforms.append(platform)
        self.done.append(f"build {tag.rpartition(':')[0]}")
        with tarfile.open(fileobj=fileobj) as tar:
            self.contexts[tag.rpartition(":")[0]] = tar.getnames()
        yield {}

    def push(self, repository: str, **_: object) -> Iterator[dict[str, Any]]:
        self.done.append(f"push {repository}")
        yield {"aux": {"Digest": "sha256:" + "0" * 64}}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    made = Registry()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(docker, "from_env", lambda **_: made)
    monkeypatch.setattr(build.ImageBuilder, "base", lambda _, image, platform: f"{image}@sha256:{platform}")
    monkeypatch.setattr(build, "_install", lambda requirements, platform, folder: folder.mkdir())
    return made


def built(model: ModelPlan) -> str:
    return image_args(model, lambda _: None).ensure(lambda _: None)


def test_an_unchanged_model_is_built_and_pushed_with_all_its_files(root: Path, code: Code, registry: Registry) -> None:
    model = planned(root, code)
    built(model)
    assert [done.split()[0] for done in registry.done] == ["build", "push", "build", "push"]
    names = registry.contexts[model.image.repository]
    assert {"Dockerfile", "model/linear.onnx", "model/w.bin", "server/slipway_server/http/app.py"} <= set(names)
    assert not [name for name in names if name.endswith(".pyc")]


@pytest.mark.parametrize(("architecture", "wheels"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_an_image_is_built_for_its_nodes_whatever_machine_builds_it(
    root: Path,
    code: Code,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    wheels: str,
) -> None:
    fetched: list[str] = []

    def install(_: Path, platform: str, folder: Path) -> None:
        fetched.append(platform)
        folder.mkdir()

    monkeypatch.setattr(build, "_install", install)
    model = planned(root, code)
    runtime = replace(model.image.runtime, architecture=architecture)
    built(replace(model, image=replace(model.image, below=runtime)))
    assert registry.platforms == [f"linux/{architecture}"] * 2, "the runtime image, and the model's on it"
    assert fetched == [f"{wheels}-manylinux_2_28"]


def _appended(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _same_size_and_time(path: Path) -> None:
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _turned_into_a_link(path: Path) -> None:
    other = path.parents[2] / "secret"
    other.write_bytes(b"token: of the deployer\n")
    path.unlink()
    path.symlink_to(other)


def _turned_into_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES: dict[str, Callable[[Path], None]] = {
    "longer": _appended,
    "other bytes of the same size and time": _same_size_and_time,
    "a link to a file elsewhere": _turned_into_a_link,
    "a pipe": _turned_into_a_pipe,
    "gone": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["weights/linear.onnx", "weights/w.bin", "server/src/slipway_server/http/app.py"])
def test_a_file_that_changed_after_the_plan_ends_the_run_before_anything_is_pushed(
    root: Path, code: Code, registry: Registry, name: str, change: str
) -> None:
    model = planned(root, code)
    CHANGES[change](root / name)
    with pytest.raises(FileChanged) as refused:
        built(model)
    said = str(refused.value)
    assert said.startswith(f"{root / name}: changed after it was planned: it ")
    assert "nothing was pushed or deployed; next: run the command again" in said
    assert "of the deployer" not in said
    assert registry.done == []
    assert isinstance(refused.value, DeployError)


def test_a_folder_on_the_way_that_became_a_link_carries_no_other_bytes(
    root: Path, code: Code, registry: Registry
) -> None:
    model = planned(root, code)
    (root / "weights").rename(root / "before")
    shutil.copytree(root / "before", root / "elsewhere")
    _appended(root / "elsewhere/w.bin")
    (root / "weights").symlink_to("elsewhere")
    with pytest.raises(FileChanged, match=r"w\.bin: changed"):
        built(model)
    assert registry.done == []


def test_a_file_that_is_new_in_the_servers_folder_does_not_go_into_the_image(
    root: Path, code: Code, registry: Registry
) -> None:
    model = planned(root, code)
    (root / "server/src/slipway_server/new.py").write_text("")
    built(model)
    assert "server/slipway_server/new.py" not in registry.contexts[model.image.repository]


def test_requirements_that_changed_after_the_plan_are_not_installed(root: Path, code: Code, registry: Registry) -> None:
    model = planned(root, code)
    _appended(root / "server/requirements.txt")
    with pytest.raises(FileChanged, match=r"requirements.txt: changed after it was planned"):
        built(model)
    assert registry.done == []
    assert not list((root / "cache/slipway/wheels").iterdir())


def test_a_file_that_shrinks_while_it_is_read_is_one_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(100))
    real = os.fstat

    def before(descriptor: int) -> os.stat_result:
        status = list(real(descriptor))
        status[6] += 1  # st_size
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", before)
    with pytest.raises(FileChanged, match="became shorter while it was read"):
        planned_context([ImageFile("model/weights", "/model/weights", path, {"": "0" * 64})], lambda: "FROM scratch")


def test_the_same_files_give_the_same_tar(root: Path, code: Code) -> None:
    model = planned(root, code)
    first, second = (planned_context(model.image.files, lambda: "FROM scratch").read() for _ in range(2))
    (root / "weights/w.bin").chmod(0o755)
    third = planned_context(model.image.files, lambda: "FROM scratch").read()
    assert first == second == third


def test_the_runtime_image_is_asked_for_once_all_files_are_right(
    root: Path, code: Code, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = planned(root, code)
    asked = []
    monkeypatch.setattr(planned_images, "_wheels_context", lambda *_: asked.append(1))
    _appended(root / "weights/w.bin")
    with pytest.raises(FileChanged):
        built(model)
    assert asked == []
