"""What keeps pictures private in examples/federated, without Flower; and that its page says what was measured."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.planned import ROOT

FOLDER = ROOT / "examples/federated"
PAGE = ROOT / "docs/how-to/federated.md"


def _learning() -> ModuleType:
    spec = importlib.util.spec_from_file_location("federated_learning", FOLDER / "devices/learning.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


learning = _learning()


class _NoNoise:
    """Draws every row and adds nothing, so that what is left is the part that depends on data."""

    def random(self, rows: int) -> Any:
        return np.zeros(rows)

    def normal(self, mean: float, deviation: float, shape: tuple[int, ...]) -> Any:
        assert (mean, deviation) == (0, learning.NOISE * learning.LENGTH)
        return np.zeros(shape)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.0, 1.0, 1000.0]), rows=st.integers(1, 20))
def test_one_picture_moves_a_step_by_no_more_than_noise_is_made_for(seed: int, scale: float, rows: int) -> None:
    chance = np.random.default_rng(seed)
    pixels, labels = scale * chance.random((rows, 64)), chance.integers(0, 10, rows)
    weights = [scale * chance.normal(size=(64, 10)), scale * chance.normal(size=10)]
    whole = learning.private_step(weights, pixels, labels, _NoNoise())
    less = learning.private_step(weights, pixels[1:], labels[1:], _NoNoise())
    moved = np.sqrt(sum(((one - other) ** 2).sum() for one, other in zip(whole, less, strict=True)))
    assert moved <= learning.RATE * learning.LENGTH / (learning.DRAWN * learning.ROWS) * (1 + 1e-6) + 1e-9 * scale


def test_steps_learn_when_there_is_no_noise() -> None:
    with np.load(ROOT / "models/digits/train.npz") as held:
        pixels, labels = held["image"].reshape(-1, 64).astype(np.float64)[:450], held["label"][:450]
    weights = learning.untrained()
    before = learning.accuracy(weights, pixels, labels)
    for _ in range(20):
        weights = learning.private_step(weights, pixels, labels, _NoNoise())
    assert before < 0.2 < 0.8 < learning.accuracy(weights, pixels, labels)


def test_a_device_gives_no_more_steps_than_it_said_and_remembers_them(tmp_path: Path) -> None:
    learning.Spent(tmp_path / "spent.json", 50).take(20)
    learning.Spent(tmp_path / "spent.json", 50).take(20)
    with pytest.raises(PermissionError, match="40 steps were taken and 20 more asked for; allowed: 50"):
        learning.Spent(tmp_path / "spent.json", 50).take(20)
    assert json.loads((tmp_path / "spent.json").read_text()) == {"steps": 40}


def test_the_page_says_what_was_measured() -> None:
    measured = json.loads((FOLDER / "measured.json").read_text())
    page = PAGE.read_text()
    assert f"| accuracy | {' | '.join(map(str, measured['accuracy']))} |" in page
    assert f"ε = {measured['epsilon']}" in page
    for name, told in measured["devices"].items():
        missing = ", ".join(str(digit) for digit in range(10) if digit not in told["digits"])
        sizes = " | ".join(f"{told[f'{what}_bytes']:,}" for what in ("data", "sent", "received"))
        assert f"| {name} | {told['rows']} | {missing} | {told['alone']} | {sizes} |" in page
        assert told["weights_on_the_wire"] and not told["rows_on_the_wire"]
