"""Versions held against commits: what is refused, what is taken, and what is said where nothing can be compared."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from onnx import helper

from slipway.committed.check import compare
from slipway.loading.specs import load_specs
from slipway.lockfile.files import lock_path, write_lock
from slipway.lockfile.model import LockedFile, LockedSignature, LockedTensor
from slipway.spec.model import ModelSpec
from tests.support.commits import commit
from tests.support.locks import lock_of
from tests.support.workbench import Nodes, Workbench, scaled

SHALLOW = "shallow clone"


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path / "repo", "local")


def write(bench: Workbench, version: str, factor: float = 2.0, nodes: Nodes | None = None, **changes: Any) -> Path:
    return bench.write("sums", factor, nodes=nodes, version=version, **changes)


def said(bench: Workbench) -> list[str]:
    """What is refused, without where it is written, and what is said beside it."""
    compared = compare(bench.folder, load_specs(bench.folder / "models", bench.folder))
    texts = [*map(str, compared.refused), *compared.notes]
    return [text.replace(f"{bench.folder}/", "") for text in texts]


def negated() -> Nodes:
    return [helper.make_node("Neg", ["sum"], ["y"])], []


def test_a_version_that_was_committed_means_its_weights(bench: Workbench) -> None:
    write(bench, "1.0.0")
    first = commit(bench.folder)
    assert said(bench) == []
    write(bench, "1.0.0", 3.0)
    (refused,) = said(bench)
    assert refused.startswith('models/sums.yaml:3: version: "1.0.0" was used for other weights: ')
    assert f"(commit {first[:12]})" in refused
    assert refused.endswith("next: write 1.1.0")
    commit(bench.folder)
    assert said(bench) == [refused]
    write(bench, "1.1.0", 3.0)
    assert said(bench) == []


def test_another_architecture_demands_a_major_and_what_is_no_other_weights_demands_nothing(bench: Workbench) -> None:
    write(bench, "1.0.0")
    commit(bench.folder)
    write(bench, "1.0.0", resources={"cpu": "1", "memory": "512Mi"})
    assert said(bench) == []
    write(bench, "1.1.0", nodes=negated())
    (refused,) = said(bench)
    assert "its operators, or how they are wired, are others" in refused and "next: write 2.0.0" in refused
    write(bench, "2.0.0", nodes=negated())
    assert said(bench) == []


def test_weights_alone_may_have_changed_in_a_commit(bench: Workbench) -> None:
    write(bench, "1.0.0")
    commit(bench.folder)
    (bench.folder / "README").write_text("text")
    commit(bench.folder)
    write(bench, "1.0.0", 3.0)
    commit(bench.folder)
    assert "was used for other weights" in said(bench)[0]


def test_an_environment_with_a_version_of_its_own_is_compared_too(bench: Workbench) -> None:
    write(bench, "1.0.0", environments={"local": {"version": "1.0.1"}})
    commit(bench.folder)
    write(bench, "1.1.0", 3.0, environments={"local": {"version": "1.0.1"}})
    (refused,) = said(bench)
    assert 'environments.local.version: "1.0.1" was used for other weights' in refused


def test_what_git_lfs_keeps_is_known_by_its_digest(bench: Workbench) -> None:
    write(bench, "1.0.0")
    weights = bench.folder / "models/sums.onnx"
    data = weights.read_bytes()
    head = "version https://git-lfs.github.com/spec/v1\n"
    weights.write_text(f"{head}oid sha256:{hashlib.sha256(data).hexdigest()}\nsize {len(data)}\n")
    commit(bench.folder)
    weights.write_bytes(data)
    assert said(bench) == []
    write(bench, "1.0.1", 3.0)
    assert "its weights are others" in said(bench)[0]


def test_weights_elsewhere_are_known_by_the_digest_in_the_spec(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "cache/slipway/artifacts/sha256"
    cache.mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for version, factor in (("1.0.0", 2.0), ("1.0.1", 3.0)):
        path = write(bench, version, factor)
        weights = bench.folder / "models/sums.onnx"
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        weights.rename(cache / digest)
        spec = yaml.safe_load(path.read_text())
        spec["artifact"] = {"source": "https://example.com/sums.onnx", "sha256": digest}
        path.write_text(yaml.safe_dump(spec, sort_keys=False))
        if version == "1.0.0":
            commit(bench.folder)
    (refused,) = said(bench)
    assert "is too low after 1.0.0" in refused and "its weights are others" in refused


def test_weights_that_were_never_committed_are_compared_with_nothing(bench: Workbench) -> None:
    write(bench, "1.0.0")
    (bench.folder / ".gitignore").write_text("*.onnx\n")
    commit(bench.folder)
    write(bench, "1.0.0", 3.0)
    assert said(bench) == []


def test_a_folder_in_no_repository_and_a_shallow_clone_are_said_in_a_line(bench: Workbench, tmp_path: Path) -> None:
    write(bench, "1.0.0")
    (outside,) = said(bench)
    assert outside.startswith("versions are not compared with git's history: fatal: not a git repository")
    commit(bench.folder)
    write(bench, "1.1.0", 3.0)
    commit(bench.folder)
    clone = Workbench(tmp_path / "other", "local")
    subprocess.run(["rm", "-rf", str(clone.folder)], check=True)
    source = f"file://{bench.folder}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", source, str(clone.folder)], check=True)
    (note,) = said(clone)
    assert SHALLOW in note and "fetch-depth: 0" in note


def test_a_spec_that_nobody_could_read_is_passed_over(bench: Workbench) -> None:
    path = write(bench, "1.0.0")
    commit(bench.folder)
    written = path.read_text()
    path.write_text("a: [")
    commit(bench.folder)
    path.write_text(written)
    assert said(bench) == []
    write(bench, "1.0.0", nodes=scaled(5.0))
    assert "was used for other weights" in said(bench)[0]


def locked(bench: Workbench, version: str, sha256: str, architecture: str = "a") -> None:
    """The model with a step, and a lock that says what came of it."""
    path = write(bench, version, optimize=[{"simplify": True}])
    spec = ModelSpec.model_validate(yaml.safe_load(path.read_text()))
    lock = lock_of(spec, bench.folder).model_copy(update={"architecture": architecture * 64})
    variant = lock.served.model_copy(update={"files": (LockedFile(name="m.onnx", size=9, sha256=sha256 * 64),)})
    tensors = tuple(LockedTensor(name=name, dtype="FP32", shape=(None, 3)) for name in ("a", "b", "y"))
    signature = LockedSignature(inputs=tensors[:2], outputs=tensors[2:], metadata={})
    write_lock(lock.model_copy(update={"variants": (variant,), "signature": signature}), lock_path(path, "sums"))


def test_a_version_with_a_lock_means_what_the_lock_says(bench: Workbench) -> None:
    locked(bench, "1.0.0", "1")
    commit(bench.folder)
    assert said(bench) == []
    locked(bench, "1.0.0", "2")
    assert "was used for other weights" in said(bench)[0]
    locked(bench, "1.1.0", "2")
    assert said(bench) == []
    locked(bench, "1.1.0", "2", architecture="b")
    assert "next: write 2.0.0" in said(bench)[0]


def test_steps_make_other_weights_of_a_version_that_was_committed_without(bench: Workbench) -> None:
    write(bench, "1.0.0")
    commit(bench.folder)
    locked(bench, "1.0.0", "1")
    assert "was used for" in said(bench)[0]
