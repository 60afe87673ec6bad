"""Count answers on the device, and let the counts out with noise, once for each window of time.

An input counts once, in one window: what ever leaves about it is epsilon-private, however many windows follow. Noise is
drawn once for a window and is on the disk before it is sent, so that no restart draws it again: two draws would tell
twice as much.
"""

import json
import secrets
import threading
from collections.abc import Sequence
from typing import Any

from slipway_edge.disk.slots import Slots
from slipway_edge.reporting.noise import Below, laplace
from slipway_edge.telemetry.log import log
from slipway_edge.values.aggregate import OTHER, Aggregates
from slipway_edge.values.clock import Clock
from slipway_edge.values.document import Entry

_SAVE_S = 1800.0
"""Between two writes of counts. A power cut loses so much at most, and makes the window longer, never shorter."""


class Counting:
    """Counts of all models of a device that have `aggregates`. `saw` may be called by any thread.

    Time is that in which the agent ran, by the clock that only goes forward: a date that is set ahead ends no window.
    """

    def __init__(self, slots: Slots, clock: Clock, below: Below = secrets.randbelow) -> None:
        self._slots = slots
        self._clock = clock
        self._below = below
        self._lock = threading.Lock()
        held: dict[str, Any] = slots.read() or {"windows": 0, "models": {}}
        self._windows = int(held["windows"])
        """Of the device so far: each has a number of its own, so that it is told twice and counted once."""
        self._models: dict[str, dict[str, Any]] = held["models"]
        self._looked = self._saved = clock.now()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Count for these entries. Counts of a model that is gone, or is counted otherwise now, are forgotten."""
        wanted = {entry.model: entry.aggregates for entry in entries if entry.aggregates is not None}
        with self._lock:
            there = {model: one["said"] for model, one in self._models.items()}
            said = {model: one.model_dump(mode="json") for model, one in wanted.items()}
            if there == said:
                return
            self._models = {
                model: self._models[model] if there.get(model) == one else _begun(one) for model, one in said.items()
            }
            self._save(self._windows, self._models)

    def saw(self, model: str, message: bytes) -> None:
        """One input was answered. Its first row is counted, under its answer or as other."""
        with self._lock:
            one = self._models.get(model)
            if one is None:
                return
            label = _label(message, one["said"]["output"])
            one["counts"][label if label in one["counts"] else OTHER] += 1

    def said(self) -> list[dict[str, object]]:
        """The last window of each model, for a report: the same until the next one ends."""
        with self._lock:
            self._look()
            return [
                {"model": model, **one["told"]}
                for model, one in sorted(self._models.items())
                if one["told"] is not None
            ]

    def _look(self) -> None:
        now = self._clock.now()
        passed, self._looked = now - self._looked, now
        for one in self._models.values():
            one["ran_s"] += passed
        over = [model for model, one in self._models.items() if one["ran_s"] >= one["said"]["per_s"]]
        if over:
            self._end(over)
        elif now - self._saved >= _SAVE_S:
            self._save(self._windows, self._models)

    def _end(self, over: Sequence[str]) -> None:
        """Told is only what is on the disk: where it cannot be written, nothing leaves, and counting goes on."""
        windows, models = self._windows, dict(self._models)
        for model in over:
            windows += 1
            said = Aggregates.model_validate(models[model]["said"])
            noisy = {
                value: count + laplace(said.epsilon, self._below) for value, count in models[model]["counts"].items()
            }
            told = {"window": windows, **said.model_dump(mode="json", exclude={"values"}), "counts": noisy}
            models[model] = _begun(models[model]["said"]) | {"told": told}
        if self._save(windows, models):
            self._windows, self._models = windows, models
            log("windows ended", models=list(over), windows=windows)

    def _save(self, windows: int, models: dict[str, dict[str, Any]]) -> bool:
        try:
            self._slots.write({"windows": windows, "models": models})
        except OSError as error:
            log("counts are not saved", reason=str(error))
            return False
        self._saved = self._clock.now()
        return True


def _begun(said: dict[str, Any]) -> dict[str, Any]:
    return {"said": said, "ran_s": 0.0, "counts": dict.fromkeys((*said["values"], OTHER), 0), "told": None}


def _label(message: bytes, output: str) -> str:
    """The first row of an output as text; what cannot be read is no value."""
    try:
        value = json.loads(message)["answer"]["outputs"][output]
        while isinstance(value, list):
            value = value[0]
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
    return value if isinstance(value, str) else json.dumps(value)
