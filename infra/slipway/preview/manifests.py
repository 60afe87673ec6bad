"""Hold the manifests of a recorded release against the planned ones, as a unified diff that shows no secret."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway.deploy.changes import DOCUMENT, PRIVATE, WHOLE
from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.render.model import render_model
from slipway.render.objects import MODEL_OBJECTS, UNRECORDED
from slipway.render.yaml import to_yaml
from slipway.values.names import short

_ORDER = [row.kind for row in MODEL_OBJECTS]
_NOT_SHOWN = "(not shown)"
_OTHER = "(not shown, and another one)"
_CONTEXT = 3
_FIRST = ("apiVersion", "kind", "metadata", "name")
_DIGEST = "RELEASE"


def manifest_diff(before: Release, model: ModelPlan, image: str) -> tuple[str, ...]:
    """Lines of the diff, object by object in the order in which they are rendered; none where nothing differs.

    Digests of the two releases read `RELEASE`, since they are in every object. What a record does not hold (the way in,
    rules) is left out.

    Args:
        before: the release that is live, as it was recorded.
        model: the plan.
        image: what the planned pods run.
    """
    planned = [one for one in render_model(model, image) if one["kind"] not in UNRECORDED]
    old = _texts(before.manifests, before.digest, {})
    new = _texts(planned, model.release_digest, _private(before.manifests))
    found: list[str] = []
    for key in sorted(old.keys() | new.keys(), key=_place):
        name = " ".join(key)
        lines = difflib.unified_diff(
            old.get(key, "").splitlines(),
            new.get(key, "").splitlines(),
            f"live: {name}" if key in old else "live: nothing",
            f"planned: {name}" if key in new else "planned: nothing",
            lineterm="",
            n=_CONTEXT,
        )
        found += map(_printable, lines)
    return tuple(found)


_Key = tuple[str, str]


def _place(key: _Key) -> tuple[int, _Key]:
    return (_ORDER.index(key[0]) if key[0] in _ORDER else len(_ORDER), key)


def _texts(manifests: Sequence[Mapping[str, Any]], digest: str, before: Mapping[str, Any]) -> dict[_Key, str]:
    """Manifests as YAML by kind and name; `before`: the values that are not shown, of what they are held against."""
    return {_key(one, digest): to_yaml([_shown(one, digest, before)]).removeprefix("---\n") for one in manifests}


def _key(manifest: Mapping[str, Any], digest: str) -> _Key:
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return str(manifest.get("kind")), _without(str(name), digest)


def _without(text: str, digest: str) -> str:
    return text.replace(digest, _DIGEST).replace(short(digest), _DIGEST)


def _shown(manifest: Mapping[str, Any], digest: str, before: Mapping[str, Any]) -> Any:
    """A manifest without digests of its release and private values, with documents in it as what they contain."""

    def value_of(path: str, value: Any) -> Any:
        if _is_private(path, value):
            known = path in before and before[path] != value
            return _OTHER if known else _NOT_SHOWN
        if path.endswith(DOCUMENT) and isinstance(value, str):
            return _walked(f"{path}.", _parsed(value), value_of)
        return _without(value, digest) if isinstance(value, str) else value

    return _walked(f"{manifest.get('kind')} ", manifest, value_of)


def _private(manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The private values of manifests by kind and path."""
    found: dict[str, Any] = {}

    def value_of(path: str, value: Any) -> Any:
        if _is_private(path, value):
            found[path] = value
        elif path.endswith(DOCUMENT) and isinstance(value, str):
            _walked(f"{path}.", _parsed(value), value_of)
        return value

    for one in manifests:
        _walked(f"{one.get('kind')} ", one, value_of)
    return found


def _is_private(path: str, value: Any) -> bool:
    return path.endswith(WHOLE) or (isinstance(value, str) and PRIVATE.search(path) is not None)


def _walked(path: str, value: Any, value_of: Any) -> Any:
    """A value with `value_of` applied to its leaves, and to what is told as a whole; entries of lists go by name."""
    if path.endswith(WHOLE):
        return value_of(path, value)
    if isinstance(value, Mapping) and value:
        return {str(key): _walked(_below(path, key), value[key], value_of) for key in sorted(value, key=_first)}
    if isinstance(value, list | tuple) and value:
        return [_walked(f"{path}[{name}]", item, value_of) for name, item in _named(value)]
    return value_of(path, value)


def _first(key: Any) -> tuple[int, str]:
    """The order of keys, which a record has lost: what says which object it is comes first."""
    name = str(key)
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _below(path: str, key: Any) -> str:
    return f"{path}{key}" if path.endswith((" ", ".")) else f"{path}.{key}"


def _named(items: Sequence[Any]) -> Iterator[tuple[object, Any]]:
    for at, item in enumerate(items):
        yield (item.get("name", at) if isinstance(item, Mapping) else at), item


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
