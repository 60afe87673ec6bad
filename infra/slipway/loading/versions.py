"""Hold a file against this version of Slipway: a newer format, a version that a team needs, fields on their way out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from slipway.errors.base import Place, UnknownKey, UserError, WrongValue
from slipway.reading.findings import dotted
from slipway.reading.yaml_document import Document, FieldPath
from slipway.settings.requirement import REQUIREMENT, release
from slipway.values.version import version

_UPGRADE = "upgrade Slipway (docs/how-to/upgrade.md)"
_FORMAT = re.compile(r"slipway/v([1-9][0-9]{0,8})")
FORMAT = 1
"""The newest format of specs that this Slipway reads: slipway/v1."""


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A field that is on its way out.

    Attributes:
        field: its dotted path, without the numbers of lists: `node_pools.taints`.
        since: version of Slipway that warns first.
        until: version of Slipway that refuses it.
        instead: what to do, as the end of "next: ".
    """

    field: str
    since: str
    until: str
    instead: str


SPEC_FIELDS: tuple[Deprecated, ...] = ()
SETTINGS_FIELDS: tuple[Deprecated, ...] = ()


def newer_format(document: Document) -> UserError | None:
    """What is wrong with a spec in a format that only a newer Slipway reads: nothing else of it can be judged."""
    value = document.value.get("apiVersion") if isinstance(document.value, dict) else None
    found = _FORMAT.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) <= FORMAT:
        return None
    problem = f"is a format that this Slipway, {version()}, is too old for"
    return WrongValue(document.place(("apiVersion",)), "apiVersion", value, problem, f"slipway/v{FORMAT}", _UPGRADE)


def too_old(document: Document, at: FieldPath) -> UserError | None:
    """What is wrong when the settings at a path ask for a newer Slipway: nothing else of them can be judged.

    A requirement that is malformed is left to the validation of the settings.
    """
    value = document.value
    for key in (*at, "slipway"):
        value = value.get(key) if isinstance(value, dict) else None
    found = REQUIREMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None or release(version()) >= release(found[1]):
        return None
    path = (*at, "slipway")
    return WrongValue(
        document.place(path), dotted(path), value, f"is not this Slipway, which is {version()}", value, _UPGRADE
    )


def deprecations(document: Document, fields: Sequence[Deprecated], at: FieldPath = ()) -> Iterator[UserError | str]:
    """For each deprecated field that a file has: a warning, or an error once the version is reached that refuses it.

    `at`: where in the file the fields begin. Those in overrides of an environment count too.
    """
    by_path = {one.field: one for one in fields}
    for path in document.lines:
        known = by_path.get(_field(path, at))
        if known is None:
            continue
        place, field = document.place(path), dotted(path)
        if release(version()) >= release(known.until):
            problem = f"was deprecated in {known.since}, and is refused since {known.until}"
            yield UserError(
                place,
                field,
                problem,
                "the fields of docs/reference/spec.md and docs/reference/settings.md",
                known.instead,
            )
        else:
            yield _warning(place, field, known)


def told_once(found: Iterable[UserError]) -> list[UserError]:
    """Findings without the unknown keys of which another one says what became of them."""
    there = list(found)
    known = {(one.place, one.field) for one in there if not isinstance(one, UnknownKey)}
    return [one for one in there if not isinstance(one, UnknownKey) or (one.place, one.field) not in known]


def _warning(place: Place, field: str, known: Deprecated) -> str:
    return (
        f"{place}: {field} is deprecated since {known.since}, and will be refused from {known.until} on; "
        f"next: {known.instead}"
    )


def _field(path: FieldPath, at: FieldPath) -> str:
    """A path as a table names it: below `at`, without numbers of lists and the environment of an override."""
    if path[: len(at)] != at:
        return ""
    names = [part for part in path[len(at) :] if isinstance(part, str)]
    return ".".join(names[2:] if names[:1] == ["environments"] else names)
