"""Contains the values that the sections before and after a model share."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from slipway.spec.texts import file_ending
from slipway.values.quantities import kind_of, refusal

PIXELS_MOST = 8192


def is_pixels(value: object) -> bool:
    """Whether a value of YAML is a number of pixels."""
    return type(value) is int and 0 < value <= PIXELS_MOST


def _size(value: object) -> tuple[int, int]:
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(is_pixels, value)):
        return value[0], value[1]
    found = f"is {kind_of(value)}" if not isinstance(value, list | tuple) else "is no pair of numbers of pixels"
    allowed = f"[height, width], each from 1 to {PIXELS_MOST}"
    raise refusal(found, allowed, "write for example [224, 224]")


def _size_or_side(value: object) -> tuple[int, int] | int:
    if is_pixels(value):
        return value  # type: ignore[return-value]
    return _size(value)


_pixels = {"type": "integer", "minimum": 1, "maximum": PIXELS_MOST}
_pair: dict[str, Any] = {"type": "array", "items": _pixels, "minItems": 2, "maxItems": 2}
_hook = file_ending(".py", "is no Python file", "a Python file of the repository, *.py", "models/digits/hooks.py")
HookFile = Annotated[str, _hook, WithJsonSchema({"type": "string", "pattern": r"\.py$", "maxLength": 512})]
"""A Python file of the repository with the user's own functions."""
Size = Annotated[tuple[int, int], BeforeValidator(_size), WithJsonSchema(_pair)]
"""Height and width in pixels."""
SizeOrSide = Annotated[
    tuple[int, int] | int, BeforeValidator(_size_or_side), WithJsonSchema({"anyOf": [_pair, _pixels]})
]
"""Height and width, or the length of the shorter side, in pixels."""
