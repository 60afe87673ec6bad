"""Read the bytes of a JSON body strictly: UTF-8, no duplicate keys, no NaN, bounded nesting, known cost."""

import json
from typing import Any

import orjson

from slipway_server.values.errors import BadRequest, show

_ALLOWED = (
    "one JSON document in UTF-8, nested at most 1024 deep, each key once per object, finite numbers (null for NaN)"
)
# Objects of the bodies served here are nested less deeply than this; deeper ones take the slow path below.
_COUNTED_DEPTH = 6
# Bytes of memory that a sign of JSON stands for at most while it is read: the parser's own tree, Python's objects,
# the flat list and the array together. Measured on bodies of one kind each, see server/tests/test_costs.py.
_COST = {b"[": 120, b"{": 170, b":": 90, b",": 66, b'"': 32}
_TEXT = 2
# One character beyond Latin-1 makes Python keep four bytes for each character of its string.
_WIDE_TEXT = 6


def parse_cost(raw: bytes) -> int:
    """Return how many bytes of memory reading this JSON takes at most, by what it is made of, before it is read."""
    wide = not raw.isascii() or b"\\u" in raw
    return len(raw) * (_WIDE_TEXT if wide else _TEXT) + sum(raw.count(sign) * cost for sign, cost in _COST.items())


def loads(raw: bytes) -> Any:
    """Return the JSON document in `raw`.

    Raises:
        BadRequest: not JSON, not UTF-8, a key twice in one object, NaN or an infinity, nested too deeply.
    """
    body = _read(raw)
    # orjson silently keeps the last of two equal keys. Every key has its colon: as many colons as keys in the
    # result prove that none was lost, and only other bodies (a colon in a string) are read a second time.
    if raw.count(b":") != _count_keys(body, _COUNTED_DEPTH):
        # Never both documents in memory at once.
        del body
        _refuse_duplicates(raw)
        body = _read(raw)
    return body


def _read(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest("body", f"is not JSON: {error}", _ALLOWED) from None


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
        # As floats, since Python refuses to read whole numbers of thousands of digits, which orjson takes.
        json.loads(raw, object_pairs_hook=_unique, parse_int=float)
    except RecursionError:
        raise BadRequest("body", "is nested too deeply", _ALLOWED) from None


def _unique(pairs: list[tuple[str, Any]]) -> None:
    """Refuse the first key that an object has twice; its values are not kept, since nobody reads them."""
    if len(dict(pairs)) == len(pairs):
        return
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise BadRequest("body", f"has the key {show(key)} twice in one object", _ALLOWED)
        seen.add(key)
