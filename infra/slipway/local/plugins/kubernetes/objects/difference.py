"""Compare what a program asks for now with what it asked for before, field by field."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from slipway.local.plugins.protocol.changes import Change, Path

_QUANTITY_PARENTS = frozenset(
    [
        "limits",
        "requests",
        "capacity",
        "hard",
        "used",
        "min",
        "max",
        "default",
        "defaultRequest",
        "maxLimitRequestRatio",
        "allocatable",
        "overhead",
        "podFixed",
        "minAllowed",
        "maxAllowed",
    ]
)
_QUANTITY_FIELDS = frozenset(["sizeLimit", "averageValue", "divisor", "storage"])
_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|[+-]?\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?")
_SUFFIX = {
    "n": "1e-9",
    "u": "1e-6",
    "m": "1e-3",
    "": "1",
    "k": "1e3",
    "M": "1e6",
    "G": "1e9",
    "T": "1e12",
    "P": "1e15",
    "E": "1e18",
}
_SUFFIX |= {f"{letter}i": str(1024**power) for power, letter in enumerate("KMGTPE", start=1)}


def changes(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """What differs between two values, leaf by leaf, lists by index; equal quantities (1000m and 1) do not differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            if key not in new:
                yield Change((*path, key), "delete")
            elif key not in old:
                yield Change((*path, key), "add")
            else:
                yield from changes(old[key], new[key], (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(new):
                yield Change((*path, index), "delete")
            elif index >= len(old):
                yield Change((*path, index), "add")
            else:
                yield from changes(old[index], new[index], (*path, index))
    elif old != new and not same_quantity(path, old, new):
        yield Change(path, "update")


def same_quantity(path: Path, left: Any, right: Any) -> bool:
    """Whether both are spellings of one Kubernetes quantity, in a place where quantities stand."""
    names = [step for step in path[-2:] if isinstance(step, str)]
    if not (names and (names[-1] in _QUANTITY_FIELDS or names[0] in _QUANTITY_PARENTS)):
        return False
    first, second = _quantity(left), _quantity(right)
    return first is not None and first == second


def _quantity(value: Any) -> Decimal | None:
    match = _QUANTITY.fullmatch(str(value))
    if not match:
        return None
    number, suffix = match[1], match[2] or ""
    try:
        return Decimal(number) * Decimal(_SUFFIX.get(suffix, f"1{suffix}"))
    except InvalidOperation:
        return None


def prune(live: Any, shape: Any, path: Path = ()) -> Any:
    """The part of a live object that `shape` (the inputs it was made from) speaks of.

    A quantity that the server only spells otherwise keeps the spelling of the inputs. List items are matched by
    position, and by `name` or `containerPort`-like merge keys when the server added or reordered some.
    """
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: prune(live[key], shape[key], (*path, key)) for key in shape if key in live}
    if isinstance(live, list) and isinstance(shape, list):
        return _prune_list(live, shape, path)
    return shape if live != shape and same_quantity(path, live, shape) else live


def _prune_list(live: list[Any], shape: list[Any], path: Path) -> list[Any]:
    by_name = _by_name(live)
    if by_name is not None and _by_name(shape) is not None:
        wanted = [item["name"] for item in shape]
        kept = [
            prune(by_name[item["name"]], item, (*path, at)) for at, item in enumerate(shape) if item["name"] in by_name
        ]
        return kept + [item for item in live if item["name"] not in wanted]
    return [prune(item, shape[at], (*path, at)) if at < len(shape) else item for at, item in enumerate(live)]


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    if not items or not all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items):
        return None
    named = {item["name"]: item for item in items}
    return named if len(named) == len(items) else None


def under(path: str, fields: Iterable[str]) -> bool:
    """Whether a rendered path is one of the fields, lies in one of them or holds one of them."""
    return any(_within(path, field) or _within(field, path) for field in fields)


def _within(path: str, field: str) -> bool:
    return path == field or (path.startswith(field) and path[len(field)] in ".[")
