"""Reports as the gate's tests need them: a source, and what steps made of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slipway.gate.report import Confusion, Report, Timing, Variant

ROWS = 200


def variant(name: str, metric: float | None = 0.95, size: int = 1000, **more: Any) -> Variant:
    """One that was measured."""
    return replace(Variant(name, "onnx", "0" * 64, size, 50_000_000, Timing(1.0, 2.0, 2000), metric=metric), **more)


def report(*variants: Variant, rows: int | None = ROWS, metric: str | None = "accuracy") -> Report:
    """The first one is the source."""
    return Report("digits", variants, 1, 0.25, "a processor", {"onnxruntime": "1"}, metric, "label", "test.npz", rows)


def of(values: Sequence[float], rows: int = ROWS, metric: str = "accuracy") -> Report:
    """A source of the first value of the metric, and a step for each of the others."""
    names = ["source", *(f"{index} step" for index in range(1, len(values)))]
    return report(*(variant(name, value) for name, value in zip(names, values, strict=True)), rows=rows, metric=metric)


CONFUSION = Confusion(("cat", "<dog>"), ((90, 10), (5, 95)))
