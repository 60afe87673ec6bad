"""Turn nested JSON arrays into numpy arrays of a tensor's datatype and shape, and refuse what does not fit.

numpy alone would take too much: it reads "1.5" as a number, cuts 1.5 down to an integer, and makes an infinity
of 1e39 in float32.

JSON has no numbers that are not finite. A NaN is null, as in MLServer and KServe; the infinities are the words
that Protocol Buffers' JSON has for them. What is written so is read so, and that JSON's word for NaN, too.
"""

from functools import lru_cache
from itertools import chain
from math import inf, nan, prod
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway_server.values.bfloat16 import LARGEST, rounded
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Tensor

Array = npt.NDArray[Any]

_KINDS: dict[str, tuple[frozenset[type], str]] = {
    "b": (frozenset({bool}), "true or false"),
    "u": (frozenset({int}), "whole numbers"),
    "i": (frozenset({int}), "whole numbers"),
    "f": (frozenset({int, float, NoneType}), "numbers"),
    "O": (frozenset({str}), "strings"),
}
INFINITIES = {"Infinity": inf, "-Infinity": -inf}
_WORDS = {**INFINITIES, "NaN": nan}
# An array without values has no body that bounds its other sizes, and a graph may make outputs of those.
MAX_EMPTY_SIZE = 65_536


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
    if not flat:
        shape = _complete(shape, tensor, field)
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
    """Raise BadRequest unless `shape` is one that `tensor` takes; a size may be 0 where any is taken."""
    if len(shape) != len(tensor.shape) or any(
        size != wanted and wanted is not None for size, wanted in zip(shape, tensor.shape, strict=True)
    ):
        raise BadRequest(field, f"has the shape {list(shape)}", _allowed(tensor))
    if 0 in shape:
        chosen = [size for size, wanted in zip(shape, tensor.shape, strict=True) if size and wanted is None]
        if prod(chosen) > MAX_EMPTY_SIZE:
            allowed = f"sizes beside 0 of at most {MAX_EMPTY_SIZE} in all for an array without values"
            raise BadRequest(field, f"has the shape {list(shape)}", allowed)


def from_flat(flat: list[Any], shape: tuple[int, ...], tensor: Tensor, field: str) -> Array:
    """Return row-major JSON values as an array of `tensor`'s datatype; BadRequest names the first misfit."""
    dtype = tensor.numpy_dtype
    types, wanted = _KINDS[dtype.kind]
    numbers = flat
    if not types.issuperset(map(type, flat)):
        if dtype.kind == "f":
            numbers = [_WORDS.get(item, item) if type(item) is str else item for item in flat]
        odd = next((i for i, item in enumerate(numbers) if type(item) not in types), None)
        if odd is not None:
            words = ', null for NaN, "Infinity", "-Infinity"' if dtype.kind == "f" else ""
            allowed = f"{wanted} ({tensor.dtype}){words}"
            raise BadRequest(field + _index(odd, shape), f"is {show(flat[odd])}", allowed)
    if dtype.kind == "O":
        _check_text(flat, shape, field)
    try:
        with np.errstate(over="ignore"):
            array: Array = np.array(numbers, dtype=dtype)
            if tensor.dtype == "BF16":
                array = rounded(array)
    except OverflowError:
        raise _out_of_range(flat, shape, tensor, field) from None
    if dtype.kind == "f" and np.isinf(array).any() and any(type(flat[i]) is not str for i in _infinite(array)):
        raise _out_of_range(flat, shape, tensor, field)
    return array.reshape(shape)


def _infinite(array: Array) -> list[int]:
    return np.flatnonzero(np.isinf(array)).tolist()


def to_json(array: Array) -> Any:
    """Return an output as orjson writes it: numpy's array where it knows the type, else nested lists.

    orjson writes null for a NaN, and would for an infinity, which is another thing: that gets its word.
    """
    kind = array.dtype.kind
    if kind == "f" and np.isinf(array).any():
        return _with_words(array)
    if kind == "O" or array.ndim == 0 or not array.flags.c_contiguous:
        return array.tolist()
    return array


def _with_words(array: Array) -> Any:
    """Return nested lists with words for infinities; the other numbers stay numpy's, which are written shorter."""
    items = np.empty(array.size, dtype=np.object_)
    items[:] = list(array.flat)
    for word, infinity in INFINITIES.items():
        items[(array == infinity).ravel()] = word
    return items.reshape(array.shape).tolist()


def _complete(shape: tuple[int, ...], tensor: Tensor, field: str) -> tuple[int, ...]:
    """Return the whole shape of lists that end in empty ones, which say nothing about the sizes inside."""
    inside = tensor.shape[len(shape) :]
    sizes = [size for size in inside if size is not None]
    if len(sizes) == len(inside):
        return (*shape, *sizes)
    raise BadRequest(
        field,
        "is empty, which leaves open the sizes inside",
        f"the input with its shape ({tensor.shape_text}), as in a V2 request: "
        f'{{"inputs": [{{"name": "{tensor.name}", "datatype": "{tensor.dtype}", "shape": [...], "data": []}}]}}',
    )


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
    if tensor.dtype == "BF16":
        low, high = -LARGEST, LARGEST
    elif dtype.kind == "f":
        low, high = float(np.finfo(dtype).min), float(np.finfo(dtype).max)  # type: ignore[type-var]
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)  # type: ignore[type-var]
    odd = next(i for i, item in enumerate(flat) if isinstance(item, int | float) and not low <= item <= high)
    return BadRequest(
        field + _index(odd, shape), f"is {show(flat[odd])}", f"{tensor.dtype} numbers from {low} to {high}"
    )
