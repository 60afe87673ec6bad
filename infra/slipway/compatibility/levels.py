"""Say how much higher a version has to be, by Semantic Versioning 2.0.0 (https://semver.org)."""

from collections.abc import Iterator
from enum import IntEnum

from semver import Version

from slipway.compatibility.contents import Contents, Port

_NAMED_MOST = 5


class Level(IntEnum):
    """How far two versions are apart, or have to be."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


def distance(lower: Version, higher: Version) -> Level:
    """How far a version is above another. Below 1.0.0 the minor counts as major, and the patch as minor (item 4)."""
    if higher.major != lower.major:
        return Level.MAJOR
    if higher.minor != lower.minor:
        return Level.MINOR if higher.major else Level.MAJOR
    if higher.patch != lower.patch:
        return Level.PATCH if higher.major else Level.MINOR
    return Level.NONE


def raised(version: Version, level: Level) -> Version:
    """The lowest version that is so far above another."""
    if level == Level.MAJOR:
        return version.bump_major() if version.major else version.bump_minor()
    if level == Level.MINOR and version.major:
        return version.bump_minor()
    return version.bump_patch()


def demanded(old: Contents, new: Contents, *, fix: bool) -> tuple[Level, tuple[str, ...]]:
    """How much higher the version of `new` has to be, and why, for people.

    What is not known of either is not compared.

    Args:
        old: what the version before has in it.
        new: what the new one has.
        fix: whether it is declared as a fix of the one before.
    """
    reasons: list[str] = []
    if old.signature is not None and new.signature is not None:
        grown = True
        for what, before, after in (
            ("input", old.signature.inputs, new.signature.inputs),
            ("output", old.signature.outputs, new.signature.outputs),
        ):
            changed, additions = _changed(what, before, after)
            grown = grown and not changed
            reasons += changed + additions
        if not grown:
            return Level.MAJOR, tuple(_few(reasons))
    if old.architecture is not None and new.architecture is not None and old.architecture != new.architecture:
        if not reasons:
            return Level.MAJOR, ("its operators, or how they are wired, are others",)
        # Who takes another input is of another architecture, without being less to those who call it.
        return Level.MINOR, tuple(_few(reasons))
    if old.weights != new.weights or reasons:
        return (Level.PATCH if fix and not reasons else Level.MINOR), tuple(_few([*reasons, "its weights are others"]))
    return Level.NONE, ()


def _changed(what: str, before: tuple[Port, ...], after: tuple[Port, ...]) -> tuple[list[str], list[str]]:
    """What breaks those who call the model, and what does not: an input more that may be left out."""
    old, new = ({port.name: port for port in ports} for ports in (before, after))
    breaking = [f"the {what} {old[name]} is gone" for name in old if name not in new]
    breaking += [f"the {what} {old[name]} is {new[name]} now" for name in old if name in new and old[name] != new[name]]
    more = [new[name] for name in new if name not in old]
    harmless = [f"the {what} {port} is new" for port in more if what == "input" and port.optional]
    breaking += [f"the {what} {port} is new" for port in more if not (what == "input" and port.optional)]
    return breaking, harmless


def _few(reasons: list[str]) -> Iterator[str]:
    yield from reasons[:_NAMED_MOST]
    if len(reasons) > _NAMED_MOST:
        yield f"and {len(reasons) - _NAMED_MOST} more"
