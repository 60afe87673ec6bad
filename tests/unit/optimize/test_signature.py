"""What a model takes and gives whose file does not say it: a lock keeps what the tools of its format found."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.errors.base import UserError
from slipway.loading.lockable import Lockable, lockables
from slipway.optimize.boxes import reader
from slipway.optimize.locking import make_lock
from slipway.optimize.signature import read_signature
from slipway.optimize.weights import Weights
from slipway.runtimes.registry import RUNTIMES
from slipway.sources.cache import Cache
from slipway.sources.store import Store
from slipway.toolbox.errors import StepRefused
from tests.support.planned import FIXTURES, ROOT
from tests.support.pools import LEAST_SPEC

LITE = ROOT / "models/digits-lite/model.tflite"
SPEC: dict[str, Any] = LEAST_SPEC | {
    "artifact": {"source": "weights/model.tflite"},
    "runtime": "litert",
    "resources": {"cpu": "250m", "memory": "256Mi"},
    "check": {"request": "checks/digits.json", "expect": {"label": 7}},
}


def target(folder: Path, **changes: Any) -> Lockable:
    """A project with a TFLite file."""
    for part in ("weights", "checks", "models"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text("{name: here, runtime: python}\n")
    shutil.copyfile(LITE, folder / "weights/model.tflite")
    shutil.copyfile(FIXTURES / "repo/weights/linear.onnx", folder / "weights/model.onnx")
    shutil.copyfile(ROOT / "models/digits/check.json", folder / "checks/digits.json")
    (folder / "models/least.yaml").write_text(json.dumps(SPEC | changes))
    found: list[Any] = []
    (one,) = lockables(folder / "models", folder, ("least",), found)
    assert not found
    return one


def refusal(folder: Path, **changes: Any) -> str:
    with pytest.raises(UserError) as refused:
        make_lock(target(folder, **changes), Store(Cache(folder / "cache"), offline=True), lambda _: None)
    return str(refused.value)


def test_a_lock_says_what_a_tflite_file_takes_and_gives(tmp_path: Path) -> None:
    lock = make_lock(target(tmp_path), Store(Cache(tmp_path / "cache"), offline=True), lambda _: None).lock
    assert lock is not None
    assert [(one.name, one.dtype, one.shape) for one in lock.signature.inputs] == [("image", "FP32", (None, 1, 8, 8))]
    assert [one.name for one in lock.signature.outputs] == ["label", "probabilities"]
    assert lock.architecture is None
    assert lock.served.format == "tflite"


def test_what_the_runtime_does_not_load_is_refused_with_those_that_do(tmp_path: Path) -> None:
    outcome = make_lock(
        target(tmp_path, artifact={"source": "weights/model.onnx"}),
        Store(Cache(tmp_path / "cache"), offline=True),
        lambda _: None,
    )
    assert "litert" in str(outcome.unserved)
    assert (
        "does not load onnx, which the weights are after all steps; allowed: tflite; next: write runtime: onnxruntime "
        "or triton or mlserver, or let optimize end with {convert: tflite}"
    ) in str(outcome.unserved)


def test_a_runtime_without_a_converter_to_its_formats_names_no_step(tmp_path: Path) -> None:
    outcome = make_lock(
        target(tmp_path, runtime="sklearn"), Store(Cache(tmp_path / "cache"), offline=True), lambda _: None
    )
    assert str(outcome.unserved).endswith("allowed: skops, xgboost, lightgbm; next: write runtime: litert")


def test_a_file_that_its_tools_cannot_load_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.tflite").write_bytes(LITE.read_bytes()[:200])
    (tmp_path / "scratch").mkdir()
    with pytest.raises(StepRefused, match=r"LiteRT cannot load it: .*; allowed: a whole TFLite file"):
        read_signature(Weights(broken, "model.tflite", "tflite"), {}, tmp_path / "scratch", lambda _: None)


def test_a_golden_request_is_held_against_the_signature(tmp_path: Path) -> None:
    said = refusal(tmp_path, check={"request": "checks/digits.json", "expect": {"class": 7}})
    assert "check.expect" in said
    assert "class" in said


def test_each_format_of_such_a_runtime_has_tools_that_say_it() -> None:
    formats = [name for runtime in RUNTIMES.values() if runtime.signature_in_lock for name in runtime.formats]
    assert "tflite" in formats
    assert [name for name in formats if not reader(name).script("signature").is_file()] == []
