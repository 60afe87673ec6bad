"""Hold the versions of specs against git's history."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from semver import Version

from slipway.committed.states import State, States
from slipway.compatibility.rule import Used, below, problem, promises
from slipway.errors.base import WrongValue
from slipway.git.command import GitFailed
from slipway.git.repository import Repository
from slipway.loading.contents import contents_of
from slipway.loading.specs import LoadedSpec
from slipway.loading.variant import Variant
from slipway.reading.files import BadFile
from slipway.reading.folders import find_root

LIMIT_S = 20.0
"""Git takes milliseconds for what is asked of it; a repository on a slow disk must not stop anybody."""
COMMITS_MOST = 1000
"""Of those that changed a spec or weights, the newest so many are looked at."""
_NOT = "versions are not compared with git's history"
_SHALLOW = (
    "versions are compared with a part of git's history only, since this is a shallow clone; next: fetch all of it "
    "(`git fetch --unshallow`; with actions/checkout `fetch-depth: 0`)"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it: findings, and what a person should know of what was not compared, a line each."""

    refused: tuple[WrongValue, ...]
    notes: tuple[str, ...]


def compare_all(specs: Iterable[LoadedSpec], tell: Callable[[str], None]) -> Iterator[WrongValue]:
    """The findings about specs of any repositories; `tell` gets a line about what was not compared."""
    roots: dict[Path, list[LoadedSpec]] = {}
    for spec in specs:
        roots.setdefault(find_root(Path(spec.file).parent), []).append(spec)
    for root, there in roots.items():
        compared = compare(root, there)
        yield from compared.refused
        for note in compared.notes:
            tell(note)


def compare(root: Path, specs: Sequence[LoadedSpec]) -> Compared:
    """Hold the versions of specs, as they are without overrides and in each environment, against earlier commits.

    Args:
        root: what paths in the specs are relative to.
        specs: found right, with their weights.
    """
    repository = Repository(root, LIMIT_S)
    named = {spec.file: _from(root, Path(spec.file)) for spec in specs}
    weights = {spec.file: _weights(root, spec) for spec in specs}
    paths = {*named.values(), *(path for files in weights.values() for path in files)}
    try:
        shallow = repository.shallow
        states = States(repository, repository.changes(paths, COMMITS_MOST))
    except GitFailed as error:
        return Compared((), (f"{_NOT}: {error}",))
    refused: list[WrongValue] = []
    left: dict[str, list[str]] = {}
    for spec in specs:
        for environment, served in ((None, spec.base), *spec.overrides.items()):
            try:
                found = _finding(states, spec, named[spec.file], weights[spec.file], environment, served)
            except GitFailed as error:
                left.setdefault(str(error), []).append(spec.name)
            except BadFile as error:
                left.setdefault(f"a file in it {error.problem}", []).append(spec.name)
            else:
                refused += [] if found is None or str(found) in map(str, refused) else [found]
    notes = [f"{', '.join(dict.fromkeys(names))}: {_NOT}: {why}" for why, names in left.items()]
    return Compared(tuple(refused), (*((_SHALLOW,) if shallow else ()), *notes))


def _finding(
    states: States,
    spec: LoadedSpec,
    path: str,
    weights: Sequence[str],
    environment: str | None,
    served: Variant,
) -> WrongValue | None:
    version = served.spec.version
    # What an image has in it, or a folder that it is built from, no commit of a spec says; what has served does.
    if served.own is not None or not promises(version):
        return None
    there = list(states.of(path, weights, environment))
    used = []
    for one in _deciding(there, version):
        contents = states.contents(one)
        used += [Used(one.version, contents, f"commit {one.commit[:12]}")] if contents is not None else []
    if environment is None:
        place, field = spec.document.place(("version",)), "version"
    else:
        place, field = spec.locate(environment, ("version",))
    taken = [one.version for one in there]
    return problem(version, contents_of(served), served.spec.fixes, used, taken, place, field)


def _deciding(there: Sequence[State], version: str) -> Iterator[State]:
    """Those of the same version, and the newest of the version that it is compared with."""
    base = below(version, [one.version for one in there])
    before = next((one for one in there if one.version == base), None)
    wanted = Version.parse(version)
    return (one for one in there if one is before or Version.parse(one.version).compare(wanted) == 0)


def _weights(root: Path, spec: LoadedSpec) -> tuple[str, ...]:
    """The files that say what the weights are: those of the repository, and locks, by their paths there."""
    variants = (spec.base, *spec.overrides.values())
    locks = {_from(root, one.locked.file) for one in variants if one.locked is not None}
    named = [(one.spec.artifact, one.artifact) for one in variants if one.locked is None]
    plain = [(there, found) for there, found in named if there is not None and there.address is None]
    ours = (_from(root, root / there.source, file.name) for there, found in plain for file in found.files)
    return (*ours, *sorted(locks))


def _from(root: Path, path: Path, beside: str | None = None) -> str:
    """A path as seen from the root; `beside`: of another file in the same folder."""
    whole = path if beside is None else path.parent / beside
    return Path(os.path.relpath(whole, root)).as_posix()
