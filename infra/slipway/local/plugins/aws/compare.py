"""Compare what a program asks for with what it asked for before, and with what is live."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.aws.schema import Object, Property, ResourceType
from slipway.local.plugins.protocol.changes import Change, Path, render
from slipway.local.plugins.protocol.properties import Unknown, plain

_NO_FIELDS: Mapping[str, Property] = {}


@dataclass(frozen=True)
class Difference:
    """One property that differs, and whether the resource has to be made anew for it."""

    change: Change
    replaces: bool

    @property
    def path(self) -> str:
        """As the engine reads it."""
        return str(self.change)

    @property
    def kind(self) -> str:
        """The protocol's word for it."""
        return f"{self.change.kind}{'_replace' if self.replaces else ''}".upper()


def differences(kind: ResourceType, old: Object, new: Object, ignored: tuple[str, ...] = ()) -> list[Difference]:
    """What differs, by path."""
    before, after = plain(old), plain(new)
    sometimes = kind.replaces_when(before, after) if kind.replaces_when is not None else frozenset()
    found = [
        Difference(one.change, one.replaces or one.change.path[0] in sometimes)
        for one in _in_block(kind.properties, before, after, (), False)
        if not _ignored(one.path, ignored)
    ]
    return sorted(found, key=lambda one: one.path)


def _ignored(path: str, ignored: tuple[str, ...]) -> bool:
    return any(path == field or path.startswith((f"{field}.", f"{field}[")) for field in ignored)


def _in_block(
    fields: Mapping[str, Property], old: Object, new: Object, path: Path, replaces: bool
) -> Iterator[Difference]:
    for key in sorted(old.keys() | new.keys()):
        rule = fields.get(key, Property())
        yield from _in_value(rule, old.get(key), new.get(key), (*path, key), replaces or rule.replaces)


def _in_value(rule: Property, old: Any, new: Any, path: Path, replaces: bool) -> Iterator[Difference]:
    if canonical(rule, old) == canonical(rule, new):
        return
    if old is None or new is None:
        yield Difference(Change(path, "add" if old is None else "delete"), replaces or _replaces_within(rule))
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _in_block(rule.fields or _NO_FIELDS, old, new, path, replaces)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and not rule.unordered:
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _in_value(rule, before, after, (*path, index), replaces)
    else:
        yield Difference(Change(path, "update"), replaces)


def _replaces_within(rule: Property) -> bool:
    """A block that comes or goes brings its required unchangeable fields along."""
    return any(field.replaces and field.required for field in (rule.fields or _NO_FIELDS).values())


def canonical(rule: Property, value: Any) -> Any:
    """A value without what means nothing: the order of a set, the spelling of JSON."""
    if isinstance(value, Unknown) or value is None:
        return value
    if rule.json and isinstance(value, str):
        return _json(value)
    if isinstance(value, list):
        items = [canonical(Property(fields=rule.fields), item) for item in value]
        return sorted(items, key=repr) if rule.unordered else items
    if isinstance(value, dict):
        fields = rule.fields or _NO_FIELDS
        return {key: canonical(fields.get(key, Property()), item) for key, item in sorted(value.items())}
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def as_given(kind: ResourceType, live: Object, inputs: Object) -> Object:
    """The inputs as they are live: each that was given, spelled as given where only the spelling differs.

    Without inputs (an import) all live values of known properties.
    """
    if not inputs:
        return {key: live[key] for key in kind.properties if live.get(key) not in (None, "", [], {})}
    return _block_as_given(kind.properties, live, inputs)


def _block_as_given(fields: Mapping[str, Property], live: Object, given: Object) -> Object:
    return {
        key: value if rule.local else _as_given(rule, live[key], value)
        for key, value in given.items()
        if (rule := fields.get(key, Property())).local or live.get(key) is not None
    }


def _as_given(rule: Property, live: Any, given: Any) -> Any:
    shape = plain(given)
    if canonical(rule, live) == canonical(rule, shape):
        return given
    if rule.fields is not None and isinstance(live, dict) and isinstance(shape, dict):
        return _block_as_given(rule.fields, live, shape)
    if rule.fields is not None and isinstance(live, list) and isinstance(shape, list):
        pruned = [_as_given(Property(fields=rule.fields), one, like) for one, like in _paired(rule, live, shape)]
        return given if canonical(rule, pruned) == canonical(rule, shape) else pruned
    return live


def _paired(rule: Property, live: list[Any], shape: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Each live block with the given one that it most resembles (a set), or that has its place (a list)."""
    for index, one in enumerate(live):
        if rule.unordered and shape:
            yield one, max(shape, key=lambda like: _likeness(one, like))
        else:
            yield one, shape[index] if index < len(shape) else one


def _likeness(one: Any, other: Any) -> int:
    if isinstance(one, dict) and isinstance(other, dict):
        return sum(one.get(key) == value for key, value in other.items())
    return int(one == other)


@dataclass(frozen=True)
class Refusal:
    """A property that the type does not have or that is missing."""

    path: str
    reason: str


def refusals(kind: ResourceType, inputs: Object) -> list[Refusal]:
    """What is wrong with a resource's properties."""
    return list(_refusals(kind.token, kind.properties, plain(inputs), ()))


def _refusals(token: str, fields: Mapping[str, Property], given: Object, path: Path) -> Iterator[Refusal]:
    for key, value in given.items():
        at = (*path, key)
        if key not in fields:
            known = ", ".join(sorted(fields))
            yield Refusal(render(at), f"the rehearsal does not know {render(at)} of {token}; it knows {known}")
            continue
        nested = fields[key].fields
        items = value if isinstance(value, list) else [value]
        for index, item in enumerate(items if nested is not None else ()):
            if isinstance(item, dict):
                yield from _refusals(token, nested or {}, item, (*at, index) if isinstance(value, list) else at)
    for key, rule in fields.items():
        if rule.required and key not in given:
            yield Refusal(render((*path, key)), f"{token} needs {render((*path, key))}")
