"""Private counts: the noise is what its epsilon says, and no restart or power cut draws it twice for one window."""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from devices_room import FOLDER, FakeClock, LosingDisk, PowerCut, entry
from hypothesis import given, settings
from hypothesis import strategies as st
from slipway_edge.disk.files import Files
from slipway_edge.disk.slots import Slots
from slipway_edge.reporting.aggregates import Counting
from slipway_edge.reporting.noise import laplace, variance

SAID = {"output": "label", "values": ["3", "7"], "epsilon": 1.0, "per_s": 86_400}
FEED = {
    "source": {"folder": {"path": "/in", "keep": 1}},
    "sink": {"folder": {"path": "/out", "keep": 10}, "waiting": 2**20},
}
COUNTED = entry(**FEED, aggregates=SAID)


def answer(value: Any) -> bytes:
    return json.dumps({"id": "1", "input": "a.png", "answer": {"outputs": {"label": [value, 3]}}}).encode()


def of_seed(seed: int) -> Callable[[int], int]:
    return random.Random(seed).randrange


class Device:
    """Counts on a disk that may lose power."""

    def __init__(self, disk: LosingDisk | None = None, seed: int = 1) -> None:
        self.disk = disk or LosingDisk(random.Random(0))
        self.clock, self.below = FakeClock(), of_seed(seed)
        self.boot()

    def boot(self) -> None:
        self.counting = Counting(Slots(FOLDER, "aggregates", Files(self.disk)), self.clock, self.below)

    def after(self, hours: float) -> Any:
        self.clock.seconds += hours * 3600
        told = self.counting.said()
        return told[0] if told else None


def test_noise_has_the_shape_that_epsilon_promises() -> None:
    below, draws = of_seed(7), 40_000
    found = Counter(laplace(0.8, below) for _ in range(draws))
    mean = sum(value * count for value, count in found.items()) / draws
    assert abs(mean) < 4 * (variance(0.8) / draws) ** 0.5
    assert sum(value**2 * count for value, count in found.items()) / draws == pytest.approx(variance(0.8), rel=0.1)
    # Neighbouring values are e^0.8 apart in likelihood: that ratio is the promise itself.
    for value in range(3):
        for one, next_one in ((value, value + 1), (-value, -value - 1)):
            assert found[one] / found[next_one] == pytest.approx(2.2255, rel=0.15)


def test_answers_are_counted_and_leave_once_a_window_with_noise() -> None:
    device = Device()
    device.counting.apply([COUNTED])
    for value in (7, 7, 3, 5, "x", None):
        device.counting.saw("digits", answer(value))
    device.counting.saw("digits", b"no JSON")
    device.counting.saw("another", answer(7))
    assert device.after(23.9) is None
    told = device.after(0.2)
    noise = of_seed(1)
    right = {"3": 1, "7": 2, "other": 4}
    assert told == {
        "model": "digits", "window": 1, "output": "label", "epsilon": 1.0, "per_s": 86_400,
        "counts": {value: count + laplace(1.0, noise) for value, count in right.items()},
    }  # fmt: skip
    assert device.after(1) == told, "the same window is told the same way"
    again = device.after(24)
    assert again["window"] == 2 and sum(again["counts"].values()) < sum(right.values())


def test_a_restart_draws_no_noise_again_and_ends_no_window_early() -> None:
    device = Device()
    device.counting.apply([COUNTED])
    told = device.after(25)
    for _ in range(5):
        device.boot()
        device.counting.apply([COUNTED])
        assert device.after(0) == told
    device.after(12)
    device.boot()  # up to half an hour of counts and of time is lost, so that the window is longer
    assert device.after(11.4) == told
    assert device.after(1.2)["window"] == 2


def test_what_is_counted_otherwise_begins_anew_and_what_is_gone_is_forgotten() -> None:
    device = Device()
    device.counting.apply([COUNTED])
    device.after(25)
    for changed in (entry(**FEED, aggregates=SAID | {"epsilon": 2.0}), entry()):
        device.counting.apply([changed])
        assert device.after(0) is None
    device.counting.apply([COUNTED])
    assert device.after(25)["window"] == 2, "a number is never used twice"


def test_nothing_is_told_while_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device()
    device.counting.apply([COUNTED])

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(device.disk, "create", full)
        assert device.after(25) is None
    assert device.after(0)["window"] == 1


@settings(max_examples=100, deadline=None)
@given(cut_at=st.integers(1, 40), seed=st.integers(0, 2**16))
def test_a_window_that_was_told_is_told_the_same_after_a_power_cut(cut_at: int, seed: int) -> None:
    device = Device(LosingDisk(random.Random(seed), cut_at), seed)
    told: dict[int, Any] = {}
    for _ in range(12):
        try:
            device.counting.apply([COUNTED])
            one = device.after(12)
        except PowerCut:
            device.disk.power_back()
            device.boot()
            continue
        if one is not None:
            assert told.setdefault(one["window"], one["counts"]) == one["counts"]
    assert told
