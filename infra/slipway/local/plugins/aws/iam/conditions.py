"""The operators of conditions in IAM policies, on the keys of one request.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Single-valued vs. multivalued
context keys".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address, ip_network

Context = Mapping[str, tuple[str, ...]]
"""The keys of a request and their values; a key that the request does not have is not in it. Keys are lower case."""


class PolicyError(ValueError):
    """A policy says something that is not evaluated here: wrong, or not known."""


def like(text: str, pattern: str) -> bool:
    """Whether a text is as a pattern says, in which `*` stands for any number of characters and `?` for one."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def arn_like(text: str, pattern: str) -> bool:
    """Whether an ARN is as a pattern says: part by part, so that no `*` reaches over a colon of the first five."""
    given, wanted = text.split(":", 5), pattern.split(":", 5)
    return len(given) == len(wanted) and all(like(one, other) for one, other in zip(given, wanted, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def compared(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return compared


def _within(value: str, wanted: str) -> bool:
    try:
        return ip_address(value) in ip_network(wanted)
    except ValueError:
        return False


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _within,
    "NumericEquals": _number(lambda value, wanted: value == wanted),
    "NumericLessThan": _number(lambda value, wanted: value < wanted),
    "NumericLessThanEquals": _number(lambda value, wanted: value <= wanted),
    "NumericGreaterThan": _number(lambda value, wanted: value > wanted),
    "NumericGreaterThanEquals": _number(lambda value, wanted: value >= wanted),
}

_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
}
"""Operators that hold when the value is none of the policy's, and also when the request has no such key."""


def holds(conditions: Mapping[str, Mapping[str, str | Sequence[str]]], context: Context) -> bool:
    """Whether all conditions of a statement hold. Raises PolicyError for an operator that is not known."""
    return all(
        _holds(operator, _wanted(values), context.get(key.lower()), context)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(written: str, wanted: Sequence[str], values: tuple[str, ...] | None, context: Context) -> bool:
    quantity, _, name = written.rpartition(":")
    if quantity not in ("", "ForAllValues", "ForAnyValue"):
        raise PolicyError(f"condition operator {written}: {quantity} is neither ForAllValues nor ForAnyValue")
    optional, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    if name == "Null":
        return (values is None) == (wanted[0].lower() == "true")
    negated = name in _NEGATED
    operator = _OPERATORS.get(_NEGATED.get(name, name))
    if operator is None:
        known = ", ".join(sorted({*_OPERATORS, *_NEGATED, "Null"}))
        raise PolicyError(f"condition operator {written} is not evaluated here; known are {known}")
    if not values:
        # Of no values, all are as wanted and none is: the reason why ForAllValues alone is no permission.
        return optional or quantity == "ForAllValues" or (negated and quantity != "ForAnyValue")
    filled = [resolved(one, context) for one in wanted]

    def matches(value: str) -> bool:
        return any(operator(value, one) for one in filled) != negated

    return any(map(matches, values)) if quantity == "ForAnyValue" else all(map(matches, values))


def resolved(text: str, context: Context) -> str:
    """Fill a policy's variables (`${aws:PrincipalTag/team, 'none'}`) in; one that has no value matches nothing."""

    def value(found: re.Match[str]) -> str:
        values = context.get(found["key"].lower())
        if values:
            return values[0]
        return found["default"] if found["default"] is not None else "\0"

    return re.sub(r"\$\{(?P<key>[^},]+)(?:,\s*'(?P<default>[^']*)')?\}", value, text)


def _wanted(values: str | Sequence[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values
