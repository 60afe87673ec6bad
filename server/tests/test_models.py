"""The models of this repository load, know their golden requests, and tell apart what they should."""

import importlib.util
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from processes import DIGITS, ROOT
from slipway_server.backends.onnx.session import OnnxSession
from slipway_server.execution.decision import decide_batching
from slipway_server.protocol.image import decode
from slipway_server.protocol.image_input import image_input
from slipway_server.protocol.request import parse_predict
from slipway_server.values.config import BatchSection
from slipway_server.values.expect import check_expect, judge

SPEECH = ROOT / "models" / "speech"


def load_fetch() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch", SPEECH / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fetch = load_fetch()


@pytest.fixture(scope="module")
def speech() -> OnnxSession:
    """The speech model; its weights are brought as set-up brings them."""
    fetch.fetch(SPEECH / "model.onnx")
    return OnnxSession(SPEECH / "model.onnx", 1)


def golden(name: str, session: OnnxSession) -> tuple[Mapping[str, object], str | None]:
    spec = yaml.safe_load((ROOT / "models" / f"{name}.yaml").read_text())
    request = json.loads((ROOT / spec["check"]["request"]).read_text())
    check_expect(spec["check"]["expect"], session.signature)
    outputs = session.run(parse_predict(request, session.signature))
    nested = {key: array.tolist() for key, array in outputs.items()}
    return nested, judge(nested, spec["check"]["expect"])


def test_the_digits_model_passes_its_own_check() -> None:
    outputs, reason = golden("digits", OnnxSession(DIGITS / "model.onnx", 1))
    assert reason is None
    assert outputs["label"] == [7]


def test_the_digits_model_is_small_and_was_right_for_97_percent_of_held_out_digits() -> None:
    session = OnnxSession(DIGITS / "model.onnx", 1)
    assert float(session.signature.metadata["held_out_accuracy"]) >= 0.97
    assert (DIGITS / "model.onnx").stat().st_size < 1_000_000
    golden = parse_predict(json.loads((DIGITS / "check.json").read_text()), session.signature)
    assert decide_batching(session, golden, BatchSection(), 60).max_rows == 32


def test_the_example_picture_is_a_seven() -> None:
    session = OnnxSession(DIGITS / "model.onnx", 1)
    inputs = decode((DIGITS / "seven.png").read_bytes(), image_input(session.signature), "file")
    assert session.run(inputs)["label"].tolist() == [7]


def test_the_speech_model_passes_its_own_check(speech: OnnxSession) -> None:
    assert golden("speech", speech)[1] is None


@pytest.mark.parametrize("sound", ["silence", "hiss", "tone"])
def test_what_is_no_speech_gets_a_low_probability(speech: OnnxSession, sound: str) -> None:
    samples = 30 * 512
    clip = {
        "silence": np.zeros(samples),
        "hiss": np.random.default_rng(0).normal(0, 0.05, samples),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * np.arange(samples) / 16_000),
    }[sound]
    padded = np.concatenate([np.zeros(64), clip]).astype(np.float32)
    windows = [padded[i * 512 : i * 512 + 576].tolist() for i in range(30)]
    zeros = [[[0.0] * 128]]
    inputs = parse_predict({"inputs": {"input": windows, "h": zeros, "c": zeros}}, speech.signature)
    assert speech.run(inputs)["speech_probs"].max() < 0.2


def test_the_speech_model_is_never_batched_because_its_state_is_no_row(speech: OnnxSession) -> None:
    assert not decide_batching(speech, {}, BatchSection(), 60).enabled


def test_fetching_twice_does_nothing_the_second_time(speech: OnnxSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("the package was asked for again")

    monkeypatch.setattr(subprocess, "run", never)
    assert fetch.fetch(SPEECH / "model.onnx").endswith("already there")


def test_damaged_weights_are_replaced(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"half a download")
    fetch.fetch(target)
    assert fetch._sha256(target.read_bytes()) == fetch.SHA256
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("WHEEL_SHA256", "0" * 64, "cannot be installed"),
        ("SHA256", "0" * 64, "has the sha256"),
        ("PACKAGE", "silero-vad==0.0.0", "cannot be installed"),
    ],
)
def test_a_wrong_digest_or_package_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, part: str
) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"what was there")
    monkeypatch.setattr(fetch, name, value)
    with pytest.raises(fetch.FetchError, match=part):
        fetch.fetch(target)
    assert target.read_bytes() == b"what was there"
