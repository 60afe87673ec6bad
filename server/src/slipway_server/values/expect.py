"""Judge a model's answer against what the golden request is expected to give.

An expectation is `{output name: what}`, where `what` is a number, text, true/false, nested lists of them,
`{value: X, tolerance: T}` or `{min: a, max: b}` (either may be left out; every element must lie between).
A scalar is compared with an output of one element, whatever its shape. Floats are equal when they differ by
at most the tolerance (absolute, 0.001 unless given), integers and text when they are the same. What is not
finite is written as in an answer: null for NaN, "Infinity", "-Infinity"; it equals itself alone and lies
between no bounds. An empty list expects an output without values.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType

import numpy as np

from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import INFINITIES, flatten

DEFAULT_TOLERANCE = 1e-3
_FORMS = (
    "a number, text, true or false, null for NaN, nested lists of them, {value: X, tolerance: T}, or {min: a, max: b}"
)
Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class _Equal:
    """Every element must equal its counterpart; `shape` is None when a scalar was given."""

    shape: tuple[int, ...] | None
    values: list[Scalar]
    tolerance: float


@dataclass(frozen=True)
class _Between:
    """Every element must lie between the two, both included."""

    low: float
    high: float


def judge(outputs: Mapping[str, object], expect: Mapping[str, object]) -> str | None:
    """Return None if the outputs are as expected, else the sentence that says why not.

    Args:
        outputs: nested lists by output name, as in the answer of POST /predict.
        expect: the expectation, see above.

    Raises:
        BadRequest: the expectation itself is malformed.
    """
    for name, raw in expect.items():
        wanted = _parse(raw, f"expect.{name}")
        if name not in outputs:
            return f"the answer has no output `{name}`; it has {', '.join(map(str, outputs)) or 'none'}"
        try:
            shape, values = flatten(outputs[name], name, max_rank=64, allowed="")
        except BadRequest as error:
            return f"output `{name}` is no array: {error.field} {error.problem}"
        reason = _compare(name, shape, values, wanted)
        if reason is not None:
            return reason
    return None


def check_expect(expect: Mapping[str, object], signature: Signature) -> None:
    """Refuse an expectation that no answer of the model could ever meet.

    Raises:
        BadRequest: nothing is expected, an unknown output, a malformed expectation, a value of another
            type, or a shape that the output cannot have.
    """
    outputs = {tensor.name: tensor for tensor in signature.outputs if tensor.is_tensor}
    if not isinstance(expect, Mapping) or not expect:
        raise BadRequest("expect", f"is {show(expect)}", f"{{output name: what}} with {', '.join(outputs)}")
    for name, raw in expect.items():
        if name not in outputs:
            if any(tensor.name == name for tensor in signature.outputs):
                allowed = ", ".join(outputs) or "outputs that are tensors: export the model with one"
                raise BadRequest(f"expect.{name}", "is a list, which cannot be compared", allowed)
            near = difflib.get_close_matches(str(name), outputs, n=1)
            hint = f" (did you mean `{near[0]}`?)" if near else ""
            raise BadRequest(f"expect.{name}", f"is no output of the model{hint}", ", ".join(outputs))
        wanted = _parse(raw, f"expect.{name}")
        _check_type(wanted, outputs[name])
        if isinstance(wanted, _Equal):
            _check_fit(wanted, outputs[name])


def _parse(raw: object, field: str) -> _Equal | _Between:
    if not isinstance(raw, Mapping):
        return _parse_equal(raw, DEFAULT_TOLERANCE, field)
    keys = set(raw)
    if keys in ({"value"}, {"value", "tolerance"}):
        tolerance = raw.get("tolerance", DEFAULT_TOLERANCE)
        if not _is_number(tolerance) or tolerance < 0:
            raise BadRequest(f"{field}.tolerance", f"is {show(tolerance)}", "a number of 0 or more")
        return _parse_equal(raw["value"], float(tolerance), f"{field}.value")
    if keys and keys <= {"min", "max"}:
        for key, bound in raw.items():
            if not _is_number(bound):
                raise BadRequest(f"{field}.{key}", f"is {show(bound)}", "a number")
        low, high = raw.get("min", -math.inf), raw.get("max", math.inf)
        if low > high:
            raise BadRequest(field, f"has min {low} above max {high}", "min <= max")
        return _Between(low, high)
    raise BadRequest(field, f"is {show(raw)}", _FORMS)


def _parse_equal(raw: object, tolerance: float, field: str) -> _Equal:
    shape, values = flatten(raw, field, max_rank=64, allowed=_FORMS)
    for value in values:
        if not isinstance(value, bool | str | NoneType) and not _is_number(value):
            raise BadRequest(field, f"has {show(value)}", _FORMS)
    return _Equal(shape if isinstance(raw, list) else None, values, tolerance)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_type(wanted: _Equal | _Between, tensor: Tensor) -> None:
    field = f"expect.{tensor.name}"
    kind = tensor.numpy_dtype.kind
    if isinstance(wanted, _Between):
        if kind in "bO":
            raise BadRequest(field, f"gives bounds for {tensor.dtype}", "bounds are for numbers only")
        return
    allowed, text = {
        "b": (bool, "true or false"),
        "O": (str, "text"),
        "f": (int | float | NoneType, 'numbers, null for NaN, "Infinity" or "-Infinity"'),
    }.get(kind, (int, "whole numbers"))
    for value in wanted.values:
        number = INFINITIES.get(value, value) if kind == "f" and isinstance(value, str) else value
        if not isinstance(number, allowed) or (isinstance(value, bool) and kind != "b"):
            raise BadRequest(field, f"has {show(value)}", f"{text} (the output is {tensor.dtype})")
        if kind in "iu" and not _in_range(value, tensor):
            raise BadRequest(field, f"has {show(value)}", f"whole numbers that {tensor.dtype} has")


def _in_range(value: object, tensor: Tensor) -> bool:
    limits = np.iinfo(tensor.numpy_dtype)  # type: ignore[type-var]
    return isinstance(value, int) and int(limits.min) <= value <= int(limits.max)


def _check_fit(wanted: _Equal, tensor: Tensor) -> None:
    if not tensor.shape:
        return  # a scalar, or what ONNX Runtime says as well of an output whose rank it does not know
    field = f"expect.{tensor.name}"
    if wanted.shape is None:
        if any(size not in (None, 1) for size in tensor.shape):
            raise BadRequest(
                field,
                f"is one value, and the output has the shape {tensor.shape_text}",
                "nested lists of that shape, or {min: a, max: b}",
            )
        return
    if not tensor.shape:
        return  # a scalar, or an output whose shape is known only when it is there; ONNX Runtime says the same of both
    # Lists that end in empty ones do not say the sizes inside.
    sizes = tensor.shape if wanted.values else tensor.shape[: len(wanted.shape)]
    if len(wanted.shape) != len(sizes) or any(
        size is not None and size != given for size, given in zip(sizes, wanted.shape, strict=True)
    ):
        raise BadRequest(field, f"has the shape {list(wanted.shape)}", f"nested lists of the shape {tensor.shape_text}")


def _compare(name: str, shape: tuple[int, ...], values: list[object], wanted: _Equal | _Between) -> str | None:
    if isinstance(wanted, _Between):
        return _compare_bounds(name, values, wanted)
    if wanted.shape is None and len(values) != 1:
        return f"output `{name}` has {len(values)} elements (shape {list(shape)}), expected one"
    if wanted.shape is not None and shape != wanted.shape:
        return f"output `{name}` has the shape {list(shape)}, expected {list(wanted.shape)}"
    for value, right, where in zip(values, wanted.values, _places(name, values), strict=True):
        if not _equal(value, right, wanted.tolerance):
            within = f" (within {wanted.tolerance})" if isinstance(value, float) else ""
            return f"{where} is {_said(value)}, expected {_said(right)}{within}"
    return None


def _compare_bounds(name: str, values: list[object], wanted: _Between) -> str | None:
    if not values:
        return f"output `{name}` is empty, expected numbers between {wanted.low} and {wanted.high}"
    for value, where in zip(values, _places(name, values), strict=True):
        if not (_is_number(value) and wanted.low <= value <= wanted.high):  # type: ignore[operator]
            return f"{where} is {_said(value)}, expected between {wanted.low} and {wanted.high}"
    return None


def _places(name: str, values: list[object]) -> Iterator[str]:
    for i in range(len(values)):
        yield f"output `{name}`" if len(values) == 1 else f"element {i} of output `{name}`"


def _said(value: object) -> str:
    return "null (NaN)" if value is None else show(value)


def _equal(value: object, right: Scalar, tolerance: float) -> bool:
    if isinstance(value, bool | str | NoneType) or isinstance(right, bool | str | NoneType):
        return type(value) is type(right) and value == right
    if not _is_number(value):
        return False
    if isinstance(value, int) and isinstance(right, int):
        return value == right
    return abs(value - right) <= tolerance  # type: ignore[operator]
