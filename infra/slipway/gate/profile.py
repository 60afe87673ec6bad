"""Make the profile that drift is held against: which features of inputs and outputs are counted, and in which bins."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from slipway_server.drift.features import binned, read
from slipway_server.values.drift import MOST_FEATURES, BoundsSection, FeatureSection, Measure, ProfileSection
from slipway_server.values.tensors import Array

from slipway.gate.distances import LEAST_ROWS, bounds
from slipway.toolbox.errors import StepRefused

_BINS = 10
_MOST_CLASSES = 20
_MOST_VALUES = 8
"""Elements of a row that are features each by itself; of more, what they have together is."""
_DIGITS = 4
_LETTERS = "UOS"


def profile(inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> dict[str, Any]:
    """The features of a data set and a model's answers to it, outputs first, as JSON values of a `ProfileSection`.

    Args:
        inputs: by name, rows first.
        outputs: the same of the answers; those without a row for each input are not among them.

    Raises:
        StepRefused: there are too few rows to hold anything against, or nothing in them can be counted.
    """
    rows = min((len(array) for array in (*inputs.values(), *outputs.values())), default=0)
    if rows < LEAST_ROWS:
        problem = f"drift: the data set has {rows} rows, too few to tell a change from chance"
        raise StepRefused(problem, f"{LEAST_ROWS} rows or more", "give accept.dataset more rows, or remove drift")
    found: list[dict[str, Any]] = []
    for side, arrays in (("outputs", outputs), ("inputs", inputs)):
        for name, array in arrays.items():
            for part, measure, element in _measures(array, scores=side == "outputs"):
                feature = {"name": f"{name}{part}", "side": side, "of": name, "measure": measure, "element": element}
                found.append(_counted(feature, array))
    chosen = found[:MOST_FEATURES]
    if not chosen:
        allowed = "numbers, classes or texts"
        raise StepRefused("drift: the model has nothing that can be counted", allowed, "remove drift")
    given = bounds([one["rows"] for one in chosen], ["edges" in one for one in chosen])
    features = [one | {"bounds": bound} for one, bound in zip(chosen, given, strict=True)]
    return ProfileSection.model_validate({"features": features}).model_dump(mode="json", exclude_none=True)


def _measures(array: Array, *, scores: bool) -> Iterator[tuple[str, Measure, int]]:
    """What is counted of an array: the end of the feature's name, the measure, the element of a row."""
    size = math.prod(array.shape[1:])
    if not size:
        return
    if array.dtype.kind in _LETTERS:
        if size == 1 and len(np.unique(array.astype(np.str_))) <= _MOST_CLASSES:
            yield "", "value", 0
        else:
            yield ".length", "length", 0
    elif scores and array.dtype.kind == "f" and array.ndim == 2 and size > 1:
        yield ".class", "class", 0
        yield ".top", "top", 0
    elif size <= _MOST_VALUES:
        for element in range(size):
            yield (f"[{element}]" if size > 1 else ""), "value", element
    else:
        yield ".mean", "mean", 0
        yield ".spread", "spread", 0
        yield ".roughness", "roughness", 0


def _counted(feature: dict[str, Any], array: Array) -> dict[str, Any]:
    """The feature with its bins and the rows in each."""
    found = read(feature["measure"], feature["element"], array)
    made = feature | {"rank": array.ndim - 1} | bins_of(found)
    places = binned(_unbound(made), found)
    made["rows"] = np.bincount(places, minlength=len(_unbound(made).bins)).tolist()
    return made


def _unbound(made: Mapping[str, Any]) -> FeatureSection:
    """A feature whose bounds are not known yet; its bins are."""
    bins = len(made["values"]) + 1 if "values" in made else len(made["edges"]) + 2
    return FeatureSection.model_validate({"rows": [0] * bins, **made, "bounds": BoundsSection(psi=1, js=1)})


def bins_of(found: Array) -> dict[str, Any]:
    """`values` of classes, else `edges`: tenths of the rows, without those that are one."""
    if found.dtype.kind in f"iub{_LETTERS}":
        values = np.unique(found.astype(np.str_) if found.dtype.kind in _LETTERS else found).tolist()
        if len(values) <= _MOST_CLASSES:
            return {"values": [str(one).lower() if isinstance(one, bool) else str(one) for one in values]}
    numbers = found.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return {"edges": [0.0, 0.0]}
    edges = np.quantile(finite, np.linspace(0, 1, _BINS + 1))
    inner = sorted({_rounded(one, np.round, edges) for one in edges[1:-1].tolist()})
    low, high = _rounded(edges[0], np.floor, edges), _rounded(edges[-1], np.ceil, edges)
    return {"edges": [low, *(one for one in inner if low < one < high), high]}


def _rounded(value: float, how: Any, edges: NDArray[np.float64]) -> float:
    """To four digits of the spread: more would tell one processor's rounding from another's."""
    spread = float(edges[-1] - edges[0]) or abs(float(edges[-1]))
    if not spread:
        return float(value)
    decimals = _DIGITS - math.floor(math.log10(spread))
    unit = 10.0 ** min(decimals, 300)
    scaled = value * unit
    return float(round(float(how(scaled)) / unit, max(decimals, 0))) if math.isfinite(scaled) else float(value)
