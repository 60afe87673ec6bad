"""Compare a model's answers for the same row, computed alone and among other rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slipway_server.execution.samples import Kind
from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array

# How far an element may be off: where the order of additions is another one, so is the rounding.
_TOLERANCES = {"BF16": 8e-2, "FP16": 1e-2, "FP32": 2e-4, "FP64": 1e-9}
_UNUSUAL_FACTOR = 100.0
_SMALLEST_PART = 1e-3


@dataclass
class Pool:
    """Rows of one kind with the answers that each of them gets alone, and the size of each element of an output."""

    kind: Kind
    inputs: dict[str, Array]
    alone: list[dict[str, Array]]
    sizes: dict[str, Array]

    def varied(self, name: str) -> bool:
        """Return whether an output was not the same for all rows."""
        return any(not identical(one[name], self.alone[0][name]) for one in self.alone)


def tolerance(signature: Signature) -> float:
    """Return how far an element of a model's output may be off, as a part of its size; 0 if nothing is rounded.

    The coarsest floating-point type counts: a result in FP64 may have been computed from FP32.
    """
    tensors = (*signature.inputs, *signature.outputs)
    types = [tensor.dtype for tensor in tensors if tensor.numpy_dtype.kind == "f"]
    return max((_TOLERANCES[name] for name in types), default=0.0)


def identical(one: Array, other: Array) -> bool:
    """Return whether two arrays have the same shape and values, to the last bit; NaN is like NaN."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def sizes(rows: Sequence[Array]) -> Array:
    """Return the size of each element of a row: its largest absolute value in any of these rows.

    An element that is always about zero has at least a thousandth of the size of the row's largest.
    """
    stacked = np.concatenate(rows)
    if stacked.dtype.kind not in "fiu" or not stacked.size:
        return np.zeros(stacked.shape[1:])
    absolute = np.abs(stacked.astype(np.float64))
    absolute[~np.isfinite(absolute)] = 0
    return np.asarray(np.maximum(absolute.max(axis=0), _SMALLEST_PART * absolute.max()))


def close(one: Array, other: Array, size: Array, part: float, usual: bool) -> bool:
    """Return whether two answers for the same row are the same but for rounding.

    Args:
        one: what the row gets alone, with a first dimension of 1.
        other: what it gets among others.
        size: the size of each element, without the first dimension.
        part: how far an element may be off, as a part of its size.
        usual: whether the row's numbers are such that a client sends them; others may lose more to rounding,
            after a softmax for example, and overflow or not.
    """
    if one.shape != other.shape:
        return False
    number = one.dtype.kind == "f" or (one.dtype.kind in "iu" and not usual)
    if not number:
        return bool((one == other).all())
    finite = np.isfinite(one) & np.isfinite(other)
    if usual and not identical(one[~finite], other[~finite]):
        return False
    allowed = np.broadcast_to(size * part * (1 if usual else _UNUSUAL_FACTOR), one.shape)
    off = np.abs(one[finite].astype(np.float64) - other[finite].astype(np.float64))
    return bool((off <= allowed[finite]).all())
