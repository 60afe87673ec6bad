"""Read the bytes of a JSON body strictly: UTF-8, no duplicate keys, no NaN, bounded nesting."""

import json
from typing import Any

import orjson

from slipway_server.errors import BadRequest, show

_ALLOWED = (
    "one JSON document in UTF-8, nested at most 1024 deep, each key once per object, finite numbers (null for NaN)"
)
# Objects of the bodies served here are nested less deeply than this; deeper ones take the slow path below.
_COUNTED_DEPTH = 6


def loads(raw: bytes) -> Any:
    """Return the JSON document in `raw`.

    Raises:
        BadRequest: not JSON, not UTF-8, a key twice in one object, NaN or an infinity, nested too deeply.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest("body", f"is not JSON: {error}", _ALLOWED) from None
    # orjson silently keeps the last of two equal keys. Every key has its colon: as many colons as keys in the
    # result prove that none was lost, and only other bodies (a colon in a string) are read a second time.
    if raw.count(b":") != _count_keys(body, _COUNTED_DEPTH):
        _refuse_duplicates(raw)
    return body


def _count_keys(value: Any, depth: int) -> int:
    """Return how many keys the objects in `value` have, or fewer: lists of other things are not searched."""
    if depth == 0:
        return 0
    if type(value) is dict:
        return len(value) + sum(_count_keys(item, depth - 1) for item in value.values())
    if type(value) is list and value and type(value[0]) is dict:
        return sum(_count_keys(item, depth - 1) for item in value)
    return 0


def _refuse_duplicates(raw: bytes) -> None:
    try:
        json.loads(raw, object_pairs_hook=_unique)
    except RecursionError:
        raise BadRequest("body", "is nested too deeply", _ALLOWED) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadRequest("body", f"has the key {show(twice)} twice in one object", _ALLOWED)
    return result
