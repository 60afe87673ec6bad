"""Hold the plans of all environments against those of an earlier commit, offline: `slipway changed`."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway import console
from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.changes import Change, applied_differences, gone, listed, planned_anew, told
from slipway.errors.base import FileRefused, Place, UserError, UserErrors, WrongValue, each
from slipway.git.command import GitFailed
from slipway.git.repository import Repository
from slipway.git.tree import lay_out
from slipway.loading.specs import environments
from slipway.planner.environment import ModelPlan
from slipway.reading.folders import find_root
from slipway.settings.base import AnySettings

_LIMIT_S = 300.0
"""For git to say what was in all files: large weights that changed take longest."""
_REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class _Planned:
    """An environment as files describe it."""

    settings: AnySettings
    models: Mapping[str, ModelPlan]


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What became of one environment.

    Attributes:
        environment: its name.
        does: `new`, `removed`, `changed` (its settings, or one of its models), `unchanged`, or `refused`: nothing is
            known, since its files are wrong, now or then.
        why: where they are refused, the first finding; otherwise empty.
        differences: where its settings differ, one line each.
        models: what became of each of its models.
    """

    environment: str
    does: str
    why: str = ""
    differences: tuple[str, ...] = ()
    models: tuple[Change, ...] = ()

    def lines(self) -> Iterator[str]:
        """For people: a line about the environment, then of what changed alone."""
        counts = {does: sum(one.does == does for one in self.models) for does in ("new", "changed", "removed")}
        said = [f"{count} {'model' if count == 1 else 'models'} {does}" for does, count in counts.items() if count]
        yield f"{self.environment}: {self.does}" + (f" ({', '.join(said)})" if said and self.does == "changed" else "")
        if self.why:
            yield f"  {self.why}"
        yield from (f"  {line}" for line in told(self.differences))
        for model in self.models:
            if model.does != "unchanged":
                yield from (f"  {line}" for line in model.lines())

    def to_json(self) -> dict[str, Any]:
        """As JSON values; the first of the differences, and how many there are."""
        said = {"environment": self.environment, "does": self.does, "why": self.why}
        return {**said, **listed(self.differences), "models": [model.to_json() for model in self.models]}


def show_changed(since: str, folders: Folders, *, as_json: bool, runners: Mapping[str, str] | None = None) -> None:
    """Print what the files here make otherwise than those of a commit did.

    With `runners`, print on one line instead which environments that reaches, each with its runner, as JSON.

    Raises:
        UserError: the commit is none of this repository, or files here are wrong, once all else was printed.
    """
    root = find_root(folders.models)
    inside = [_inside(root, folder) for folder in (folders.models, folders.settings)]
    with tempfile.TemporaryDirectory(prefix="slipway-since-") as there:
        target = Path(there).resolve() / "tree"
        target.mkdir()
        commit = _laid_out(root, since, target, inside[0])
        before = _planned(Folders(target / inside[0], target / inside[1], folders.offline))
        after = _planned(folders)
        names = sorted(before.keys() | after.keys())
        found = [_compared(name, before.get(name), after.get(name)) for name in names]
    # As git writes the path of a file in a commit.
    found = [replace(one, why=one.why.replace(f"{target}/", f"{since}:")) for one in found]
    if runners is not None:
        console.out.out(json.dumps(_matrix(found, runners)), highlight=False)
    elif as_json:
        console.document({"since": commit, "environments": [one.to_json() for one in found]})
    else:
        _tell(found, since)
    bad = {str(finding): finding for one in after.values() if isinstance(one, UserError) for finding in each(one)}
    if bad:
        raise UserErrors(bad.values())


def read_runners(text: str) -> dict[str, str]:
    """Read which runner each environment has: `{"dev": "ubuntu-24.04"}`.

    Raises:
        WrongValue: it is no such object.
    """
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(value, str) and value for value in read.values()):
        allowed, todo = 'an object like {"dev": "ubuntu-24.04"}', "correct the variable that it comes from"
        raise WrongValue(Place("--runners"), "RUNNERS", text, "names no runner of each environment", allowed, todo)
    return read


def _matrix(found: Sequence[EnvironmentChange], runners: Mapping[str, str]) -> list[dict[str, str]]:
    """What a job for each environment that can be previewed is made of, in the order of their names."""
    reached = [one.environment for one in found if one.does in ("new", "changed")]
    return [{"environment": name, "runner": runners[name]} for name in reached if name in runners]


def _tell(found: Sequence[EnvironmentChange], since: str) -> None:
    changed = [one for one in found if one.does != "unchanged"]
    for one in changed:
        for line in one.lines():
            console.result(line)
    if not changed:
        console.result(f"nothing differs from {since}: no environment, and no model of one")


def _inside(root: Path, folder: Path) -> Path:
    """A folder as seen from the root. Raises `FileRefused` where no commit of the specs' repository has it."""
    seen = Path(os.path.relpath(folder, root))
    if seen.parts[:1] == ("..",):
        raise FileRefused(
            str(folder), f"is not below {root}", "a folder of the project that the specs are in", "move it there"
        )
    return seen


def _laid_out(root: Path, since: str, target: Path, models: Path) -> str:
    """Write the files of a commit; its digest."""
    place = Place("--since")
    todo = "look at `git log`; a shallow clone lacks earlier commits, which `git fetch --unshallow` brings"
    repository = Repository(root, _LIMIT_S)
    try:
        commit = repository.commit(since)
    except GitFailed as error:
        allowed = "a branch, a tag or a commit of the repository that the specs are in"
        raise WrongValue(place, "REF", since, f"is no commit here: {error}", allowed, todo) from None
    try:
        lay_out(repository, root, commit, target, models)
    except GitFailed as error:
        raise WrongValue(
            place, "REF", since, f"cannot be read: {error}", "a commit whose files are here", todo
        ) from None
    except OSError as error:
        raise FileRefused(
            str(target), f"cannot be written: {error.strerror}", "a disk with space left", "free some, or set TMPDIR"
        ) from None
    return commit


def _planned(folders: Folders) -> dict[str, _Planned | UserError]:
    """All environments, or what is wrong in their files; none where there is no folder of settings yet."""
    if not folders.settings.is_dir():
        return {}
    found: dict[str, _Planned | UserError] = {}
    for name in environments(folders.settings):
        context = EnvironmentContext(name, folders)
        try:
            found[name] = _Planned(context.settings, {model.name: model for model in context.plan.models})
        except UserError as error:
            found[name] = error
    return found


def _compared(name: str, before: _Planned | UserError | None, after: _Planned | UserError | None) -> EnvironmentChange:
    if isinstance(after, UserError):
        return EnvironmentChange(name, _REFUSED, f"its files now: {next(iter(each(after)))}")
    if isinstance(before, UserError):
        return EnvironmentChange(name, _REFUSED, f"its files then: {next(iter(each(before)))}")
    old = before.models if before else {}
    models = tuple(planned_anew(old.get(name), model) for name, model in after.models.items()) if after else ()
    models += tuple(gone(model) for model in old.values() if after is None or model.name not in after.models)
    models = tuple(sorted(models, key=lambda change: change.model))
    if before is None or after is None:
        return EnvironmentChange(name, "new" if before is None else "removed", models=models)
    differ = applied_differences((_fields(before.settings), None), (_fields(after.settings), None))
    same = not differ and all(change.does == "unchanged" for change in models)
    return EnvironmentChange(name, "unchanged" if same else "changed", differences=differ, models=models)


def _fields(settings: AnySettings) -> list[Mapping[str, Any]]:
    """Settings as what manifests are compared by."""
    return [{"kind": "settings", **settings.model_dump(mode="json", exclude={"kind"})}]
