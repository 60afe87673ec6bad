"""Lay what a spec says about an environment over the rest of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway.errors.base import Place, UnknownKey, UserError
from slipway.reading.findings import Locate, dotted
from slipway.reading.yaml_document import Document, FieldPath
from slipway.spec.model import OVERRIDABLE


def locate_in(document: Document, environment: str) -> Locate:
    """Where the values of a spec merged for `environment` are written."""

    def locate(path: FieldPath) -> tuple[Place, str]:
        """The override's own line where it has one; else the base's, unless only the merging made it wrong."""
        overriding = ("environments", environment, *path)
        while overriding not in document.lines and len(overriding) > 3:
            overriding = overriding[:-1]
        inside = overriding in document.lines
        return document.place(overriding if inside else path), dotted(("environments", environment, *path))

    return locate


def overrides(
    document: Document, environments: Sequence[str] | None, found: list[UserError]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The usable overrides; a finding for each of an environment that there is not, or of a key that stays."""
    written = document.value.get("environments") if isinstance(document.value, dict) else None
    if not isinstance(written, dict):
        return
    for environment, override in written.items():
        if not isinstance(override, dict):
            continue  # the base's validation refuses it
        path: FieldPath = ("environments", environment)
        if environments is not None and environment not in environments:
            found.append(UnknownKey(document.place(path), dotted(path), environment, environments))
        for key in override:
            if key not in OVERRIDABLE:
                at = (*path, key)
                found.append(UnknownKey(document.place(at), dotted(at), key, OVERRIDABLE))
        yield environment, {key: value for key, value in override.items() if key in OVERRIDABLE}


def merged(base: dict[str, Any], override: Mapping[str, Any], path: FieldPath = ()) -> dict[str, Any]:
    """`base` with `override` laid over it, section by section; lists and the expectation are replaced as a whole."""
    result = dict(base)
    for key, value in override.items():
        below = (*path, key)
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and below != ("check", "expect"):
            value = merged(old, value, below)  # noqa: PLW2901
        result[key] = value
    return result
