"""Hold the version of a model against the versions that were used before: a version, once used, means its weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from semver import Version

from slipway.compatibility.contents import Contents
from slipway.compatibility.levels import Level, demanded, distance, raised
from slipway.errors.base import Place, WrongValue

_WORDS = {Level.PATCH: "a higher patch", Level.MINOR: "a higher minor", Level.MAJOR: "a higher major"}
_WORDS_0 = _WORDS | {Level.MINOR: "a higher patch", Level.MAJOR: "a higher minor"}


@dataclass(frozen=True, slots=True)
class Used:
    """A version as it was used before. `where`: when and by whom, or in which commit, for messages."""

    version: str
    contents: Contents
    where: str


class VersionReused(WrongValue):
    """A version was used for other weights before."""

    def __init__(self, place: Place, field: str, version: str, used: Used, weights: str, following: Version) -> None:
        """`following`: the next version that may be written."""
        super().__init__(
            place,
            field,
            version,
            f"was used for other weights: {used.contents.weights} ({used.where}), and those here are {weights}",
            f"a version that no other weights had; a pre-release such as {following}-dev while it may change",
            f"write {following}",
        )


class VersionTooLow(WrongValue):
    """A version is not as much higher than the one before as what changed demands."""

    def __init__(
        self, place: Place, field: str, version: str, used: Used, why: Sequence[str], level: Level, following: Version
    ) -> None:
        """`level`: how much higher it has to be than `used`; `following`: the lowest that is."""
        words = _WORDS if following.major else _WORDS_0
        todo = f"write {following}"
        if level == Level.MINOR and following.major and why == ("its weights are others",):
            fixed = raised(following_of(used.version), Level.PATCH)
            todo += f", or {fixed} beside `fixes: {used.version}` if it is a fix and nothing else"
        problem = f"is too low after {used.version} ({used.where}): {'; '.join(why)}"
        super().__init__(place, field, version, problem, f"{following} or higher, {words[level]}", todo)


def following_of(version: str) -> Version:
    """A version without what follows its three numbers."""
    return Version.parse(version).finalize_version()


def promises(version: str) -> bool:
    """Whether a version means something: a pre-release, such as 1.1.0-dev, may be used for other weights any time."""
    return Version.parse(version).prerelease is None


def below(version: str, used: Sequence[str]) -> str | None:
    """The version that one is compared with: the highest below it that was used, no pre-release."""
    wanted = Version.parse(version)
    lower = [one for one in used if promises(one) and Version.parse(one) < wanted]
    return max(lower, key=Version.parse, default=None)


def problem(
    version: str,
    contents: Contents,
    fixes: str | None,
    used: Sequence[Used],
    taken: Sequence[str],
    place: Place,
    field: str,
) -> WrongValue | None:
    """What is wrong with the version of a model; None where nothing is.

    Args:
        version: as the spec has it.
        contents: what is in it.
        fixes: the version that it is declared to fix and nothing else.
        used: what was used before, the newest first.
        taken: every version that is known of, also where nothing is known of what was in it.
        place: where the version is written.
        field: what it is called there.
    """
    if not promises(version):
        return None
    wanted = Version.parse(version)
    same = [one for one in used if Version.parse(one.version).compare(wanted) == 0]
    other = next((one for one in same if one.contents.weights != contents.weights), None)
    named = [*taken, *(one.version for one in used)]
    if other is not None:
        level, _ = demanded(other.contents, contents, fix=False)
        return VersionReused(place, field, version, other, contents.weights, _free(version, level, named))
    base = below(version, [one.version for one in used])
    before = next((one for one in used if one.version == base), None)
    if same or before is None:
        return None
    level, why = demanded(before.contents, contents, fix=fixes == before.version)
    if distance(following_of(before.version), wanted) >= level:
        return None
    return VersionTooLow(place, field, version, before, why, level, _free(before.version, level, named))


def _free(version: str, level: Level, used: Sequence[str]) -> Version:
    """The next version that is so much higher than one and was not used: above the highest, where that is near."""
    taken = {Version.parse(one).finalize_version() for one in used}
    found = raised(following_of(version), level)
    while found in taken:
        found = raised(found, level)
    return found
