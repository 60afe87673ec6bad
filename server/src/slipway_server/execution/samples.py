"""Draw the rows for the trials of batching: random numbers of many magnitudes, and what the golden request shows.

Whole numbers lie between the smallest and the largest of the golden request, truth values and text are its own: any
other may be an index that is out of range, a divisor of zero, or a category that the model has never seen.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

import numpy as np

from slipway_server.values.tensors import Array

Inputs = Mapping[str, Array]
Draw = Callable[[], dict[str, Array]]


@dataclass(frozen=True)
class Kind:
    """One way to draw floating-point numbers.

    Attributes:
        name: what messages call it.
        magnitude: of the numbers; None: near those of the golden request, each in its own place.
        spread: how near, as a part of each number.
        sign: 1 or -1: from 0.5 to 1.5 of the magnitude, all of this sign; 0: both signs around zero.
        missing: the share of numbers that are NaN.
    """

    name: str
    magnitude: float | None
    spread: float = 0.5
    sign: int = 0
    missing: float = 0.0


# Ascending, so that a model which makes more of large numbers (memory, rounds of a loop) is found out before.
KINDS = (
    Kind("numbers near the golden request's", None),
    Kind("numbers very near the golden request's", None, spread=0.01),
    Kind("numbers around 0.0001", 1e-4),
    Kind("numbers around 0.01", 1e-2),
    Kind("numbers around 1", 1.0),
    Kind("numbers around 1, some missing", 1.0, missing=0.3),
    Kind("numbers from 0.5 to 1.5", 1.0, sign=1),
    Kind("numbers from -1.5 to -0.5", 1.0, sign=-1),
    Kind("numbers from 15 to 45", 30.0, sign=1),
    Kind("numbers around 1000", 1e3),
    Kind("numbers around 1000000", 1e6),
)
# For a model that takes no floating-point numbers, several draws of the same kind.
SHOWN = (Kind("values of the golden request", None),) * 3
# What replaces other rows. Beside huge numbers all others vanish: a sum, a mean or a maximum of all rows shows.
FILLS = (
    Kind("huge numbers", 1e8, sign=1),
    Kind("huge negative numbers", 1e8, sign=-1),
    Kind("zeros", 0.0, sign=1),
    Kind("missing values", 1.0, missing=1.0),
)


class Source(Enum):
    """Where whole numbers and text come from; from the boldest to the most careful."""

    RANGE = "from the smallest to the largest"
    SHOWN = "those that are shown, in any place"
    ROWS = "whole rows that are shown, where each column has a vocabulary of its own"


class Sampler:
    """Draws rows that are shaped like those of a golden request."""

    def __init__(self, golden: Inputs) -> None:
        """Take what the golden request shows; each of its inputs has the same number of rows, at least one."""
        self._golden = golden
        self._rows = len(next(iter(golden.values())))
        self.source = Source.RANGE

    def usual(self, kind: Kind) -> bool:
        """Return whether a client may well send such numbers, judged by those of the golden request."""
        return not kind.missing and (kind.magnitude is None or kind.magnitude <= 30 * self._largest())

    def row_bytes(self) -> int:
        """Return the bytes of one row of all inputs, at least 1."""
        return max(1, sum(array.nbytes for array in self._golden.values()) // self._rows)

    def draw(self, kind: Kind, rows: int, random: np.random.Generator) -> dict[str, Array]:
        """Return `rows` rows for each input, of the golden request's shape but for the first dimension."""
        shown = random.integers(self._rows, size=rows)
        return {name: self._draw(array, kind, shown, random) for name, array in self._golden.items()}

    def fills(
        self, kind: Kind, base: Inputs, kept: int, rows: int, random: np.random.Generator
    ) -> Iterator[tuple[str, Draw]]:
        """Yield what may take the place of rows beside row `kept` of `base`: words, and how to draw so many rows."""
        for words, fill in (("others of their kind", kind), *((f"rows of {fill.name}", fill) for fill in FILLS)):
            yield words, partial(self.draw, fill, rows, random)
        yield "rows like one of them", partial(take, base, [kept] * rows)

    def _draw(self, golden: Array, kind: Kind, shown: Array, random: np.random.Generator) -> Array:
        shape = (len(shown), *golden.shape[1:])
        if golden.dtype.kind != "f":
            return self._shown(golden, shown, random)
        # Float32 where that is enough: these may be the largest arrays that this server ever holds.
        wide: type[np.float32] | type[np.float64] = np.float64 if golden.dtype.itemsize > 4 else np.float32
        if kind.sign:
            drawn = kind.sign * (random.random(shape, wide) + wide(0.5))
        else:
            drawn = random.standard_normal(shape, wide)
        if kind.magnitude is None:
            drawn = golden[shown] * (1 + wide(kind.spread) * drawn)
        else:
            drawn *= wide(kind.magnitude)
        if kind.missing:
            drawn[random.random(shape) < kind.missing] = np.nan
        most = float(np.finfo(golden.dtype).max) / 4
        return np.asarray(np.clip(drawn, -most, most), golden.dtype)

    def _shown(self, golden: Array, shown: Array, random: np.random.Generator) -> Array:
        if self.source is Source.ROWS or not golden.size:
            return golden[shown]
        drawn = random.choice(golden.ravel(), (len(shown), *golden.shape[1:]))
        if self.source is Source.SHOWN or golden.dtype.kind not in "iu":
            return drawn
        between = random.integers(golden.min(), golden.max(), drawn.shape, golden.dtype.type, endpoint=True)
        return np.where(random.random(drawn.shape) < 0.5, drawn, between)

    def _largest(self) -> float:
        numbers = [array[np.isfinite(array)] for array in self._golden.values() if array.dtype.kind == "f"]
        return max([1.0, *(float(np.abs(one).max()) for one in numbers if one.size)])


def take(inputs: Inputs, which: list[int]) -> dict[str, Array]:
    """Return some rows of a request, in this order."""
    return {name: array[which] for name, array in inputs.items()}
