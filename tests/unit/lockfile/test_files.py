"""A lock is read as it was written, the same lock gives the same bytes, and what nobody wrote so is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors.base import UserError
from slipway.lockfile.files import is_lock, lock_path, lock_text, read_lock, write_lock
from slipway.lockfile.model import Lock
from slipway.reading.yaml_document import parse_document
from slipway.spec.model import ModelSpec
from tests.support.locks import SPEC, lock_of, project

WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)

LEAST: dict[str, Any] = {
    "lock": 1,
    "model": "least",
    "spec": "0" * 64,
    "files": {},
    "source": {"at": "a.onnx", "format": "onnx", "sha256": "1" * 64, "size": 1},
    "signature": {"inputs": [], "outputs": [], "metadata": {}},
    "variants": [
        {
            "architecture": "any",
            "accelerator": "cpu",
            "format": "onnx",
            "files": [{"name": "model.onnx", "size": 1, "sha256": "2" * 64}],
            "metrics": {},
        }
    ],
}
OUTSIDE = LEAST["variants"][0] | {"files": [{"name": "../../etc/passwd", "size": 1, "sha256": "2" * 64}]}


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    project(tmp_path)
    return lock_of(ModelSpec.model_validate(SPEC), tmp_path)


@given(
    settings=st.dictionaries(WORDS.filter(bool), VALUES, max_size=4), tools=st.dictionaries(WORDS.filter(bool), WORDS)
)
def test_a_lock_is_read_as_it_was_written(settings: dict[str, Any], tools: dict[str, str]) -> None:
    written = {"settings": settings, "tools": tools, "again": [tools, tools]}
    lock = Lock.model_validate(LEAST | {"reference": written})
    assert Lock.model_validate(parse_document(lock_text(lock), "a.lock.yaml").value) == lock


def test_the_same_lock_gives_the_same_bytes_whatever_order_its_parts_came_in(lock: Lock) -> None:
    step = lock.steps[0].model_copy(update={"tools": {"b": "2", "a": "1"}})
    other = lock.steps[0].model_copy(update={"tools": {"a": "1", "b": "2"}})
    texts = {lock_text(lock.model_copy(update={"steps": (one,)})) for one in (step, other)}
    assert len(texts) == 1


def test_a_lock_is_written_whole_beside_its_spec(lock: Lock, tmp_path: Path) -> None:
    path = lock_path(tmp_path / "models/some-file.yaml", "least")
    write_lock(lock, path)
    read = read_lock(path, tmp_path)
    assert read is not None
    assert (path.name, read.lock) == ("least.lock.yaml", lock)
    assert sorted(one.name for one in path.parent.iterdir()) == ["least.lock.yaml", "least.yaml"]
    assert is_lock(path)
    assert not is_lock(tmp_path / "models/least.yaml")


def test_an_environment_that_gives_other_weights_has_a_lock_of_its_own(tmp_path: Path) -> None:
    assert lock_path(tmp_path / "least.yaml", "least", "prod") == tmp_path / "least.prod.lock.yaml"


def test_where_there_is_no_lock_none_is_read(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "least.lock.yaml", tmp_path) is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "least.lock.yaml: is empty; allowed: a lock that `slipway lock` wrote; next: write it"),
        ("lock: 2\n", "is a format that this Slipway is too old for; allowed: 1; next: upgrade Slipway"),
        ("lock: 1\nmodel: least\nspec: abc\n", "spec: is not what slipway lock writes: string should match pattern"),
        (
            json.dumps(LEAST | {"variants": [OUTSIDE]}),
            "files[0].name: is not what slipway lock writes: is no file below",
        ),
        ("- a\n", "is not what slipway lock writes: input should be a valid dictionary"),
        ("lock: 1\nextra: 1\n", "next: take the file as it was committed, or write it anew: slipway lock least"),
    ],
)
def test_what_nobody_wrote_so_is_refused(written: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "least.lock.yaml"
    path.write_text(written)
    with pytest.raises(UserError) as refused:
        read_lock(path, tmp_path)
    assert message in str(refused.value)
