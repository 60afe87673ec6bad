"""Hide one part of a sample after the other, and see by how much the answer changes: occlusion (Zeiler, Fergus 2014).

It needs nothing of the model but its answers, so that it explains any model that serves, whatever it is made of. It
says what the model looked at, not why, and nothing about parts that matter only together.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.explanation.sample import Part, Sample, Unexplainable
from slipway.runtimes.base import Answer

Asked = Callable[[bytes], Answer]
Seen = Callable[[int, int], None]
"""Told after each part how many were hidden, of how many."""
_SCORES = 2


class ReleaseChanged(Exception):
    """Another release answered in between: answers of two models say nothing about one."""


@dataclass(frozen=True)
class Measured:
    """What is measured of each answer: one number of an output.

    Attributes:
        output: its name.
        index: of scores, the class; None of a single number, and of a label.
        is_label: whether it is a label, of which is measured whether it stays: 1 or 0.
        value: in the answer to the whole sample; 1 for a label.
        answer: what the model answered, as people are told it.
    """

    output: str
    index: int | None
    is_label: bool
    value: float
    answer: str


@dataclass(frozen=True)
class Effect:
    """A part and by how much the measured number falls when it is hidden; negative where it rises."""

    part: Part
    fall: float


@dataclass(frozen=True)
class Explanation:
    """Attributes: what was measured, of which release, and the effect of each part in the order of parts."""

    release: str
    measured: Measured
    effects: tuple[Effect, ...]

    def strongest(self, count: int) -> list[Effect]:
        """The parts with the greatest effect, either way."""
        return sorted(self.effects, key=lambda one: -abs(one.fall))[:count]


def explain(sample: Sample, ask: Asked, output: str | None, seen: Seen) -> Explanation:
    """Ask once for the whole sample, and once for each part without it.

    Args:
        sample: what is explained.
        ask: asks the model.
        output: what of its answer is measured; None: its scores, else its number, else its label.
        seen: hears how far it is.

    Raises:
        Unexplainable: the answer has no such output, or none that can be measured.
        ReleaseChanged: another release answered meanwhile.
    """
    whole = ask(sample.body())
    measured = measured_of(whole.outputs, output)
    effects = []
    parts = sample.parts
    for number, part in enumerate(parts, 1):
        answer = ask(sample.body(part))
        if answer.release != whole.release:
            raise ReleaseChanged
        effects.append(Effect(part, measured.value - _value(answer.outputs, measured, whole.outputs)))
        seen(number, len(parts))
    return Explanation(whole.release, measured, tuple(effects))


def measured_of(outputs: Mapping[str, Any], name: str | None) -> Measured:
    """What is measured of an answer like this; raises Unexplainable."""
    kinds = {output: _kind(value) for output, value in outputs.items()}
    known = [output for output, kind in kinds.items() if kind is not None]
    allowed = ", ".join(known) or "a model that answers scores, a number or a label for each row"
    if name is not None and name not in outputs:
        raise Unexplainable(f"the answer has no output {name!r}", allowed)
    order = ("scores", "number", "label")
    found = [name] if name is not None else sorted(known, key=lambda one: order.index(str(kinds[one])))
    if not found or kinds[found[0]] is None:
        raise Unexplainable("the answer cannot be measured", allowed)
    chosen, value = found[0], outputs[found[0]]
    if kinds[chosen] == "scores":
        row = np.asarray(value[0], dtype=float)
        index = int(row.argmax())
        return Measured(chosen, index, False, float(row[index]), f"{chosen}[{index}] = {row[index]:.4g}")
    if kinds[chosen] == "number":
        number = float(np.asarray(value).ravel()[0])
        return Measured(chosen, None, False, number, f"{chosen} = {number:.6g}")
    return Measured(chosen, None, True, 1.0, f"{chosen} = {_first(value)}")


def _kind(value: Any) -> str | None:
    """Scores of classes, one number, or one label; None for anything else."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.shape[:1] != (1,):
        return None
    if array.dtype.kind == "f" and array.ndim == _SCORES and array.shape[1] > 1:
        return "scores" if np.isfinite(array).all() else None
    if array.size != 1:
        return None
    if array.dtype.kind == "f":
        return "number" if math.isfinite(float(array.ravel()[0])) else None
    return "label" if array.dtype.kind in "iubU" else None


def _value(outputs: Mapping[str, Any], measured: Measured, whole: Mapping[str, Any]) -> float:
    value = outputs.get(measured.output)
    if value is None:
        raise Unexplainable(f"an answer has no output {measured.output!r}", "the same outputs in each answer")
    if measured.is_label:
        return float(_first(value) == _first(whole[measured.output]))
    row = np.asarray(value, dtype=float).ravel()
    return float(row[measured.index or 0])


def _first(value: Any) -> Any:
    return np.asarray(value).ravel()[0].item()
