"""Have the trained weights of a spec in a folder of their own, recognised by their content."""

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slipway.artifacts.onnx import Found, find_artifact
from slipway.errors.base import UserError, WrongValue
from slipway.formats.archives import unpack
from slipway.formats.names import PICKLES, told_by
from slipway.formats.recognise import checked
from slipway.loading.fetched import fetch_weights, unused
from slipway.optimize.results import lay_file
from slipway.optimize.weights import Weights
from slipway.reading.digests import sha256_of
from slipway.reading.files import BadFile, inside
from slipway.reading.findings import Locate
from slipway.sources.store import Store
from slipway.spec.artifact.source import ONNX
from slipway.spec.exceptions import REASON_LEAST
from slipway.spec.model import ModelSpec

_KIND = "a file of weights"
_SAVED_MODEL = "savedmodel"


@dataclass(frozen=True, slots=True)
class Source:
    """The trained weights. `files`: sha256 of each file of the repository that they are, by its path."""

    weights: Weights
    files: dict[str, str]


def bring_source(
    spec: ModelSpec, root: Path, store: Store, folder: Path, locate: Locate, found: list[UserError]
) -> Source | None:
    """Lay the trained weights into an empty folder; None after adding to `found` why they cannot be had.

    Raises `NoSpace`.
    """
    place, field = locate(("artifact", "source"))
    try:
        if spec.weights.address is not None:
            return _elsewhere(spec, store, folder, locate, found)
        return _in_repository(spec, root, folder, locate, found)
    except BadFile as error:
        found.append(WrongValue(place, field, spec.weights.source, error.problem, error.allowed, error.todo))
        return None


def _elsewhere(spec: ModelSpec, store: Store, folder: Path, locate: Locate, found: list[UserError]) -> Source | None:
    there = fetch_weights(spec.weights, store, locate, found)
    if there is None:
        return None
    path, fetched = there
    kind = checked(path, spec.weights.format)
    if not _pickle_allowed(spec, kind, locate, found):
        return None
    if kind == _SAVED_MODEL:
        return Source(Weights(folder, unpack(path, folder), kind), {})
    if kind == ONNX:
        onnx = find_artifact(path, store.root, fetched)
        left = list(unused(spec.weights, set(onnx.external), locate))
        found += left
        return None if left else Source(_laid(onnx, folder, linked=True), {})
    name = _name(PurePosixPath(spec.weights.source).suffix, kind)
    lay_file(path, folder / name)
    for beside, where in fetched.external.items():
        lay_file(where, folder / beside)
    return Source(Weights(folder, name, kind), {})


def _in_repository(spec: ModelSpec, root: Path, folder: Path, locate: Locate, found: list[UserError]) -> Source | None:
    named = spec.weights.source
    path = inside(root / named, root)
    kind = checked(path, spec.weights.format)
    if not _pickle_allowed(spec, kind, locate, found):
        return None
    if kind == _SAVED_MODEL:
        files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        read = {(PurePosixPath(named) / _below(one, path)).as_posix(): sha256_of(one, _KIND) for one in files}
        weights = Weights(folder, unpack(path, folder), kind)
    elif kind == ONNX:
        onnx = find_artifact(root / named, root)
        beside = PurePosixPath(named).parent
        read = {named: onnx.onnx.sha256}
        read |= {str(beside / name): sha256_of(one, _KIND) for name, (one, _) in onnx.external.items()}
        weights = _laid(onnx, folder, linked=False)
    else:
        read = {named: sha256_of(path, _KIND)}
        _copy(path, folder / PurePosixPath(named).name)
        weights = Weights(folder, PurePosixPath(named).name, kind)
    if spec.weights.sha256 not in (None, read.get(named)):
        place, field = locate(("artifact", "sha256"))
        problem = f"is not the file in the repository, which has the sha256 {read.get(named)}"
        todo = "write that digest if the file is the right one, or leave sha256 out"
        found.append(WrongValue(place, field, spec.weights.sha256, problem, "the sha256 of the file", todo))
        return None
    return Source(weights, read)


def _below(file: Path, folder: Path) -> PurePosixPath:
    return PurePosixPath(file.relative_to(folder).as_posix()) if file != folder else PurePosixPath()


def _laid(onnx: Found, folder: Path, *, linked: bool) -> Weights:
    """An ONNX file with its external data. Files of the repository are copied: a step may write where it reads."""
    put = lay_file if linked else _copy
    put(onnx.onnx.path, folder / onnx.onnx.name)
    for name, (path, _) in onnx.external.items():
        put(path, folder / name)
    return Weights(folder, onnx.onnx.name, ONNX)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _name(suffix: str, kind: str) -> str:
    """What a fetched file is called: the same whatever its address is, but for a suffix that its tools look at."""
    return f"model{suffix if kind in told_by(suffix) else f'.{kind}'}"


def _pickle_allowed(spec: ModelSpec, kind: str, locate: Locate, found: list[UserError]) -> bool:
    if kind not in PICKLES or spec.weights.allow_pickle is not None:
        return True
    place, field = locate(("artifact", "source"))
    problem = f"is a {kind}, and loading one runs what is in it"
    allowed = f"allow_pickle beside it, with the reason in {REASON_LEAST} characters or more"
    todo = "add artifact.allow_pickle, or save the model as skops, safetensors or onnx"
    found.append(WrongValue(place, field, spec.weights.source, problem, allowed, todo))
    return False
