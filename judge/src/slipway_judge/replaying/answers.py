"""Read the outputs out of an answer in any form that the model server speaks, and compare those of two answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from slipway_server.protocol.binary import from_binary
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Tensor
from slipway_server.values.tensors import flatten

SIZE_LIMIT = 2 * 2**20
"""Longer answers are not compared, bytes: their numbers are read one by one."""
_WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


class NotComparable(Exception):
    """An answer is in no form that can be read here, or too long."""


@dataclass(frozen=True)
class Output:
    """One output: datatype and shape where the answer says them, values as JSON has them."""

    kind: tuple[str, tuple[int, ...]] | None
    value: Any


@dataclass(frozen=True)
class Difference:
    """An output that differs: by how much at most, where that is a number."""

    output: str
    largest: float | None


def outputs_of(body: bytes, headers: Mapping[str, str]) -> dict[str, Output]:
    """Return the outputs in an answer by name.

    Args:
        body: of the answer.
        headers: of the answer, names in lower case.

    Raises:
        NotComparable: it has no outputs that can be read.
    """
    if len(body) > SIZE_LIMIT:
        raise NotComparable(f"an answer of {len(body)} bytes")
    try:
        end = int(headers.get("inference-header-content-length", len(body)))
        outputs = orjson.loads(body[:end])["outputs"]
        if isinstance(outputs, dict):
            return {name: Output(None, value) for name, value in outputs.items()}
        return _tensors(outputs, memoryview(body)[end:])
    except (ValueError, KeyError, TypeError, BadRequest) as error:
        raise NotComparable(type(error).__name__) from None


def _tensors(entries: list[dict[str, Any]], binary: memoryview) -> dict[str, Output]:
    found = {}
    at = 0
    for entry in entries:
        name, shape = entry["name"], tuple(entry["shape"])
        size = entry.get("parameters", {}).get("binary_data_size")
        if size is None:
            value = entry["data"]
        else:
            if at + size > len(binary):
                raise ValueError(f"{len(binary)} bytes of tensors, {at + size} said")
            array = from_binary(binary[at : at + size], shape, Tensor(name, entry["datatype"], shape), name)
            value = [_as_json(item) for item in array.ravel().tolist()]
            at += size
        found[name] = Output((entry["datatype"], shape), value)
    return found


def _as_json(item: Any) -> Any:
    if isinstance(item, float) and not math.isfinite(item):
        return _WORDS.get(item)
    return item


def differences(
    old: Mapping[str, Output], new: Mapping[str, Output], wanted: tuple[str, ...] | None, tolerance: float
) -> list[Difference]:
    """Return the outputs in which the new answer differs from the old one.

    Args:
        old, new: outputs of the two.
        wanted: names of those to compare; None: all that the old answer has.
        tolerance: floats differ when they are further apart than this, times the old one where that is above 1.

    Raises:
        NotComparable: the old answer has none of those, as when the caller asked for others.
    """
    names = [name for name in old if wanted is None or name in wanted]
    if not names:
        raise NotComparable("none of the outputs to compare")
    return [
        Difference(name, _largest(old[name], new.get(name)))
        for name in names
        if _differs(name, old[name], new.get(name), tolerance)
    ]


def _differs(name: str, old: Output, new: Output | None, tolerance: float) -> bool:
    if new is None or new.kind != old.kind:
        return True
    try:
        old_shape, old_values = flatten(old.value, name, max_rank=64, allowed="")
        new_shape, new_values = flatten(new.value, name, max_rank=64, allowed="")
    except BadRequest as error:
        raise NotComparable(type(error).__name__) from None
    if old_shape != new_shape:
        return True
    return not all(_alike(one, other, tolerance) for one, other in zip(old_values, new_values, strict=True))


def _alike(old: object, new: object, tolerance: float) -> bool:
    """Whole numbers, texts and what is not finite are alike when they are the same; floats within the tolerance."""
    if type(old) is type(new) and old == new:
        return True
    if not isinstance(old, float | int) or not isinstance(new, float | int):
        return False
    if isinstance(old, bool) or isinstance(new, bool) or (isinstance(old, int) and isinstance(new, int)):
        return False
    return abs(old - new) <= tolerance * max(1.0, abs(old))


def _largest(old: Output, new: Output | None) -> float | None:
    if new is None:
        return None
    try:
        with np.errstate(invalid="ignore"):
            apart = np.abs(np.asarray(old.value, np.float64) - np.asarray(new.value, np.float64))
    except (ValueError, TypeError, OverflowError):  # text, ragged lists, other shapes
        return None
    largest = float(apart.max(initial=0.0))
    return largest if math.isfinite(largest) else None
