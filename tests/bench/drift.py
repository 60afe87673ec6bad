"""Measure drift on handwritten digits: how often it is told of where there is none, where there is, and what it costs.

    python -m tests.bench.drift

Each window is held against a profile of its own: of the 1,797 images that scikit-learn ships, chance puts 897 into the
profile and draws the window from the other 900: nothing has changed between the two, and no image is in both. The
shifts were never used to set anything. A window counts as told of where the alert's condition holds for any feature.
Bounds are those of one profile, since they take a second: they depend on the shares of bins alone, which are tenths.
"""

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from scipy import ndimage  # type: ignore[import-untyped]
from sklearn.datasets import load_digits
from slipway_server.drift.features import binned, read
from slipway_server.drift.watch import Watch
from slipway_server.values.drift import DriftSection, FeatureSection, ProfileSection

from slipway.gate.distances import psi, scale
from slipway.gate.profile import bins_of, profile
from slipway.monitoring.drift import LEAST_PSI

Images = NDArray[np.float32]
Features = list[FeatureSection]
MODEL = Path(__file__).parents[2] / "models" / "digits" / "model.onnx"
SIZES, NULL_WINDOWS, SHIFTED_WINDOWS = (100, 300, 900), 1000, 200
IN_PROFILE = 897
CALLS = 20_000
SEED = 20261127


def shifts(chance: np.random.Generator) -> Mapping[str, Callable[[Images], Images]]:
    """What may happen to pictures, by name."""
    return {
        "inverted": lambda x: 1 - x,
        "noise of 0.1": lambda x: np.clip(x + chance.normal(0, 0.1, x.shape), 0, 1).astype(np.float32),
        "noise of 0.03": lambda x: np.clip(x + chance.normal(0, 0.03, x.shape), 0, 1).astype(np.float32),
        "blur of 0.5 pixels": lambda x: ndimage.gaussian_filter(x, (0, 0, 0.5, 0.5)),
        "10 % darker": lambda x: (0.9 * x).astype(np.float32),
        "moved by a pixel": lambda x: np.roll(x, 1, axis=3),
    }


def main() -> int:
    """Print both tables."""
    chance = np.random.default_rng(SEED)
    images = (load_digits().images / 16).astype(np.float32)[:, np.newaxis]
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]

    def asked(given: Images) -> dict[str, Any]:
        return dict(zip(names, session.run(None, {"image": given}), strict=True))

    whole = profile({"image": images[:IN_PROFILE]}, asked(images[:IN_PROFILE]))
    features = list(ProfileSection.model_validate(whole).features)

    def seen(given: Images) -> list[Any]:
        arrays = {"image": given, **asked(given)}
        return [read(feature.measure, feature.element, arrays[feature.of]) for feature in features]

    plain = seen(images)
    kinds = shifts(chance)
    print(f"| rows | nothing ({NULL_WINDOWS:,} windows)", *kinds, "", sep=" | ")
    for size in SIZES:
        cells = [_told(features, plain, plain, size, NULL_WINDOWS, chance)]
        cells += [
            _told(features, plain, seen(change(images)), size, SHIFTED_WINDOWS, chance) for change in kinds.values()
        ]
        print(f"| {size}", *(f"{cell:.1%}" for cell in cells), "", sep=" | ", flush=True)
    _cost(DriftSection.model_validate({"share": 1.0, **whole}), images[:1], asked(images[:1]))
    return 0


def _told(
    features: Features, plain: list[Any], other: list[Any], size: int, windows: int, chance: np.random.Generator
) -> float:
    """The share of windows of `other` that are told of, each held against a profile of `plain`."""
    beyond = 0
    for _ in range(windows):
        mixed = chance.permutation(len(plain[0]))
        reference, window = mixed[:IN_PROFILE], mixed[IN_PROFILE:][:size]
        beyond += any(
            _differs(feature, was[reference], now[window])
            for feature, was, now in zip(features, plain, other, strict=True)
        )
    return beyond / windows


def _differs(feature: FeatureSection, was: Any, now: Any) -> bool:
    """Whether the alert is about a feature."""
    here = feature.model_copy(update={"edges": None, "values": None} | bins_of(was))
    counts = [np.bincount(binned(here, found), minlength=len(here.bins)) for found in (now, was)]
    distance = float(psi(*counts))
    return distance > feature.bounds.psi * scale("psi", len(now), len(was)) and distance >= LEAST_PSI


def _cost(section: DriftSection, image: Images, answer: Mapping[str, Any]) -> None:
    """CPU time of a call that is counted, and of a whole call of the server."""
    watch = Watch(section)
    began = time.process_time()
    for _ in range(CALLS):
        watch.saw({"image": image}, answer)
    counted = (time.process_time() - began) / CALLS
    server = _cpu_of_a_call(image)
    print(f"\none row: {counted * 1e6:.1f} us of CPU to count a call, of the server's {server * 1e6:.0f} us for one: ")
    for share in (1.0, 0.3):
        print(f"  share {share}: {counted * share / server:.2%}")


def _cpu_of_a_call(image: Images) -> float:
    """CPU seconds that the real server needs for a call of one row, counting nothing."""
    sys.path.insert(0, str(MODEL.parents[2] / "server" / "tests"))
    from processes import ask_on, digits_config, running  # noqa: PLC0415

    body = json.dumps({"inputs": {"image": image.tolist()}}).encode()
    with tempfile.TemporaryDirectory() as folder, running(digits_config(), Path(folder)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        began = server.metric("process_cpu_seconds_total")
        for _ in range(CALLS // 4):
            assert ask_on(connection, "POST", "/predict", body, content_type="application/json").status == 200
        return float(server.metric("process_cpu_seconds_total") - began) / (CALLS // 4)


if __name__ == "__main__":
    sys.exit(main())
