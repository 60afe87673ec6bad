"""Describe what went in and what came out, for whoever asks later whether it has changed."""

import math
from collections.abc import Mapping

import numpy as np

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_CLASSES = 50
_DIGITS = 3
"""Of the spread of the values; more would tell one processor's rounding from another's."""


def profiles(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, object]]:
    """A profile of each array, rows first."""
    return {name: _profile(array) for name, array in arrays.items()}


def _profile(array: np.ndarray) -> dict[str, object]:
    if array.dtype.kind in "iubU":
        values, counts = np.unique(array, return_counts=True)
        if len(values) <= _MOST_CLASSES:
            shares = np.round(counts / counts.sum(), _DIGITS + 1)
            return {"shares": {str(value): float(share) for value, share in zip(values, shares, strict=True)}}
        if array.dtype.kind == "U":
            array = np.char.str_len(array)
            return {"lengths": _numbers(array.astype(np.float64))}
    return _numbers(array.astype(np.float64))


def _numbers(array: np.ndarray) -> dict[str, object]:
    finite = array[np.isfinite(array)]
    if not finite.size:
        return {"finite": 0.0}
    found = [finite.min(), finite.max(), finite.mean(), finite.std(), *np.quantile(finite, _QUANTILES)]
    decimals = _DIGITS - math.floor(math.log10(found[3])) if found[3] > 0 else _DIGITS
    least, most, mean, std, *quantiles = (float(np.round(value, decimals)) for value in found)
    at = {str(share): value for share, value in zip(_QUANTILES, quantiles, strict=True)}
    return {"min": least, "max": most, "mean": mean, "std": std, "quantiles": at}
