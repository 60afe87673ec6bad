"""Turn nested JSON arrays into numpy arrays of a tensor's datatype and shape, and refuse what does not fit.

numpy alone would take too much: it reads "1.5" and null as numbers, cuts 1.5 down to an integer, and
makes an infinity of 1e39 in float32.
"""

from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway_server.errors import BadRequest, show
from slipway_server.signature import Tensor

Array = npt.NDArray[Any]

_KINDS: dict[str, tuple[frozenset[type], str]] = {
    "b": (frozenset({bool}), "true or false"),
    "u": (frozenset({int}), "whole numbers"),
    "i": (frozenset({int}), "whole numbers"),
    "f": (frozenset({int, float}), "numbers"),
    "O": (frozenset({str}), "strings"),
}


def to_array(value: object, tensor: Tensor, field: str) -> Array:
    """Return nested lists as an array that `tensor` takes.

    Args:
        value: nested lists of JSON values; a plain value for a scalar tensor.
        tensor: the input to fill.
        field: path of `value` in the request, for messages.

    Raises:
        BadRequest: ragged lists, another shape, a value of another type or outside the datatype's range.
    """
    shape, flat = flatten(value, field, max_rank=len(tensor.shape), allowed=_allowed(tensor))
    check_shape(shape, tensor, field)
    return from_flat(flat, shape, tensor, field)


def flatten(value: object, field: str, max_rank: int, allowed: str) -> tuple[tuple[int, ...], list[Any]]:
    """Return the shape of nested lists and their values in row-major order; BadRequest if they are ragged."""
    if type(value) is not list:
        return (), [value]
    shape: tuple[int, ...] = ()
    level: list[Any] = [value]
    while True:
        sizes = set(map(len, level))
        if len(sizes) > 1:
            odd = next(i for i, row in enumerate(level) if len(row) != len(level[0]))
            raise BadRequest(
                field + _index(odd, shape),
                f"has {len(level[odd])} values where `{field + _index(0, shape)}` has {len(level[0])}",
                allowed,
            )
        shape = (*shape, sizes.pop())
        level = list(chain.from_iterable(level))
        types = set(map(type, level))
        if list not in types:
            return shape, level
        if len(types) > 1:
            odd = next(i for i, item in enumerate(level) if type(item) is not list)
            raise BadRequest(field + _index(odd, shape), f"is {show(level[odd])} where others are lists", allowed)
        if len(shape) == max_rank:
            raise BadRequest(field, f"is nested more than {max_rank} deep", allowed)


def check_shape(shape: tuple[int, ...], tensor: Tensor, field: str) -> None:
    """Raise BadRequest unless `shape` is one that `tensor` takes and holds at least one value."""
    fits = len(shape) == len(tensor.shape) and all(
        size == wanted or (wanted is None and size > 0) for size, wanted in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        raise BadRequest(field, f"has the shape {list(shape)}", _allowed(tensor))


def from_flat(flat: list[Any], shape: tuple[int, ...], tensor: Tensor, field: str) -> Array:
    """Return row-major JSON values as an array of `tensor`'s datatype; BadRequest names the first misfit."""
    dtype = tensor.numpy_dtype
    types, wanted = _KINDS[dtype.kind]
    if not types.issuperset(map(type, flat)):
        odd = next(i for i, item in enumerate(flat) if type(item) not in types)
        raise BadRequest(field + _index(odd, shape), f"is {show(flat[odd])}", f"{wanted} ({tensor.dtype})")
    if dtype.kind == "O":
        _check_text(flat, shape, field)
    try:
        with np.errstate(over="ignore"):
            array = np.array(flat, dtype=dtype)
    except OverflowError:
        raise _out_of_range(flat, shape, tensor, field) from None
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise _out_of_range(flat, shape, tensor, field)
    return array.reshape(shape)


def to_json(array: Array, name: str) -> Any:
    """Return an output as orjson can write it: numpy's array where it knows the type, else nested lists.

    Raises:
        BadRequest: a NaN or an infinity: JSON has neither, and null would hide them.
    """
    kind = array.dtype.kind
    if kind == "f" and not np.isfinite(array).all():
        odd = int(np.flatnonzero(~np.isfinite(array))[0])
        raise BadRequest(
            f"outputs.{name}{_index(odd, array.shape)}",
            f"came out of the model as {array.flat[odd]} for these inputs",
            "inputs for which the model's outputs are finite: JSON has no NaN and no infinity",
        )
    if kind == "O" or array.ndim == 0 or not array.flags.c_contiguous:
        return array.tolist()
    return array


@lru_cache  # asked for with every request, needed for bad ones
def _allowed(tensor: Tensor) -> str:
    wanted = _KINDS[tensor.numpy_dtype.kind][1]
    if not tensor.shape:
        return f"one value, not a list: {wanted} ({tensor.dtype})"
    return f"nested lists of the shape {tensor.shape_text}, {wanted} ({tensor.dtype})"


def _index(position: int, shape: tuple[int, ...]) -> str:
    """Return the index of the `position`-th value of an array of `shape`, as in `[0][2]`."""
    return "".join(f"[{i}]" for i in np.unravel_index(position, shape)) if shape else ""


def _check_text(flat: list[str], shape: tuple[int, ...], field: str) -> None:
    for i, text in enumerate(flat):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequest(
                field + _index(i, shape), f"has half of a surrogate pair: {show(text)}", "UTF-8 text"
            ) from None


def _out_of_range(flat: list[Any], shape: tuple[int, ...], tensor: Tensor, field: str) -> BadRequest:
    dtype = tensor.numpy_dtype
    low: float
    high: float
    if dtype.kind == "f":
        low, high = float(np.finfo(dtype).min), float(np.finfo(dtype).max)  # type: ignore[type-var]
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)  # type: ignore[type-var]
    odd = next(i for i, number in enumerate(flat) if not low <= number <= high)
    return BadRequest(
        field + _index(odd, shape), f"is {show(flat[odd])}", f"{tensor.dtype} numbers from {low} to {high}"
    )
