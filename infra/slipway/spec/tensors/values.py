"""Contains the values that the sections before and after a model share."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from slipway.values.quantities import kind_of, refusal, repository_path

PIXELS_MOST = 8192


def left_out(value: Any) -> bool:
    """Whether a field says nothing, so that it does not show either."""
    return value is None


def _hook(value: object) -> str:
    path = repository_path(value)
    if not path.endswith(".py"):
        allowed = "a Python file of the repository, *.py"
        raise refusal("is no Python file", allowed, "write for example models/digits/hooks.py")
    return path


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
HookFile = Annotated[
    str, BeforeValidator(_hook), WithJsonSchema({"type": "string", "pattern": r"\.py$", "maxLength": 512})
]
"""A Python file of the repository with the user's own functions."""
Size = Annotated[tuple[int, int], BeforeValidator(_size), WithJsonSchema(_pair)]
"""Height and width in pixels."""
SizeOrSide = Annotated[
    tuple[int, int] | int, BeforeValidator(_size_or_side), WithJsonSchema({"anyOf": [_pair, _pixels]})
]
"""Height and width, or the length of the shorter side, in pixels."""
