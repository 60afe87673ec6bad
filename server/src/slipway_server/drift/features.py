"""Read features of rows, and say into which bins they fall.

`slipway lock` makes profiles with the same code, so that a model's pods and its lock cannot differ in it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slipway_server.values.drift import FeatureSection, Measure
from slipway_server.values.tensors import Array

MOST_ELEMENTS = 4096
"""Of a row that are looked at: of larger ones every so manieth, so that a picture's cost has a bound."""


def read(measure: Measure, element: int, rows: Array) -> Array:
    """A feature of each row.

    Args:
        measure: what of it, see `FeatureSection`.
        element: which element of a row, where `measure` is `value`.
        rows: [rows, ...] numbers or texts.

    Returns:
        [rows]: 64-bit numbers, NaN where there is none; of texts and truth values themselves.
    """
    flat = rows.reshape(len(rows), -1)
    if measure == "value":
        return np.asarray(flat[:, element])
    if measure == "length":
        return np.array([sum(len(_text(one)) for one in row) for row in flat.tolist()], dtype=np.float64)
    if measure == "class":
        # Of equal ones the first, and none that is no number, as predictions have it.
        return np.asarray(np.where(np.isnan(flat), -np.inf, flat).argmax(axis=1))
    if measure == "top":
        return np.asarray(flat.max(axis=1), dtype=np.float64)
    return _together(measure, flat)


def _together(measure: Measure, flat: Array) -> Array:
    """What the elements of a row have together; `flat` is [rows, elements]."""
    step = -(-flat.shape[1] // MOST_ELEMENTS) | 1  # odd, so that it is not always the same column of a picture
    seen = flat[:, ::step].astype(np.float64)
    if measure == "mean":
        return np.asarray(seen.mean(axis=1))
    if measure == "spread":
        return np.asarray(seen.std(axis=1))
    neighbours = flat[:, 1::step].astype(np.float64)
    return np.asarray(np.abs(seen[:, : neighbours.shape[1]] - neighbours).mean(axis=1))


def binned(feature: FeatureSection, found: Array) -> NDArray[np.intp]:
    """The places of a feature's values among its bins, [rows]."""
    if feature.values is not None:
        places = {value: place for place, value in enumerate(feature.values)}
        return np.array([places.get(_text(one), len(places)) for one in found.tolist()], dtype=np.intp)
    return placed(feature.edges or (), found)


def placed(edges: Sequence[float], found: Array) -> NDArray[np.intp]:
    """The places of numbers among the bins of edges: below, between each two, above, none.

    A number on an edge is above it, but for the last, which belongs to the bin below.
    """
    numbers = found.astype(np.float64)
    places = np.searchsorted(np.asarray(edges[1:-1]), numbers, side="right") + 1
    places[numbers < edges[0]] = 0
    places[numbers > edges[-1]] = len(edges)
    places[np.isnan(numbers)] = len(edges) + 1
    return places


def _text(one: object) -> str:
    """A class as profiles name it: of a number its digits, of truth values JSON's words."""
    if isinstance(one, bytes):
        return one.decode(errors="replace")
    return str(one).lower() if isinstance(one, bool) else str(one)
