"""Say what the spec of a model was in each commit, and what was in its weights."""

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError
from semver import Version

from slipway.artifacts.onnx import FETCHED_NAME, Graph, digest_of_files, read_graph
from slipway.compatibility.contents import Contents, contents, contents_of, is_digest
from slipway.errors.base import UserError
from slipway.git.command import GitFailed
from slipway.git.repository import Change, Repository
from slipway.loading.overrides import merged, overrides
from slipway.lockfile.digests import DECIDING
from slipway.lockfile.files import lock_path
from slipway.lockfile.model import Lock
from slipway.reading.files import pointed_to
from slipway.reading.yaml_document import SIZE_LIMIT, Document, parse_document
from slipway.sources.address import is_address
from slipway.sources.cache import Cache

_READ_MOST = 512 * 2**20
"""Bytes of a committed file that are read; larger ones are kept elsewhere, or by Git LFS."""


@dataclass(frozen=True, slots=True)
class State:
    """What the spec of a model said in a commit about its version and its weights.

    `lock`: path of the lock that it would have had, in the repository.
    """

    commit: str
    version: str
    source: str
    sha256: str | None
    external: tuple[tuple[str, str], ...]
    lock: str


@dataclass
class States:
    """The specs and weights of a repository's commits. `changes`: the newest first."""

    repository: Repository
    changes: Sequence[Change]
    cache: Cache = field(default_factory=Cache.of_user)
    _documents: dict[str, Document | None] = field(default_factory=dict)
    _graphs: dict[str, Graph | str] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def of(self, spec: str, weights: Sequence[str], environment: str | None) -> Iterator[State]:
        """What a spec said in each commit that changed it or one of its files of weights, the newest first."""
        there = {spec, *weights}
        commits = list(dict.fromkeys(one.commit for one in self.changes if one.path in there))
        of_spec = {one.commit: one.object for one in self.changes if one.path == spec}
        for index, commit in enumerate(commits):
            # A commit that leaves the spec alone has it as the one before had it.
            made = next((one for one in commits[index:] if one in of_spec), None)
            object_ = of_spec[made] if made is not None else None
            document = self._document(object_) if object_ is not None else None
            if document is not None and (state := _state(commit, spec, document, environment)) is not None:
                yield state

    def contents(self, state: State) -> Contents | None:
        """What a version had in it; None where its weights were not committed.

        Raises `GitFailed` and `BadFile` where that cannot be told.
        """
        if (lock := self.repository.at(state.commit, state.lock)) is not None:
            return self._locked(lock)
        if is_address(state.source):
            return self._elsewhere(state)
        object_ = self.repository.at(state.commit, state.source)
        if object_ is None:
            return None
        graph = self._graph(object_)
        if isinstance(graph, str):
            return Contents(weights=graph)
        folder, name = posixpath.split(state.source)
        others = [one for one in sorted(graph.ends) if one != name]
        external = [(one, self._sha256(state.commit, posixpath.join(folder, one))) for one in others]
        return contents(digest_of_files([(name, graph.sha256), *external]), graph)

    def _locked(self, object_: str) -> Contents | None:
        """What a lock says was served; None for one that this Slipway cannot read."""
        document = self._document(object_)
        try:
            lock = Lock.model_validate(document.value if document is not None else None)
        except ValidationError:
            return None
        return contents_of(lock.found(self.cache.place).digested(), lock.served.metrics)

    def _elsewhere(self, state: State) -> Contents | None:
        sha256 = state.sha256
        if sha256 is None or not is_digest(sha256):
            return None
        weights = digest_of_files([(FETCHED_NAME, sha256), *sorted(state.external)])
        found = self.cache.find(sha256)
        return contents(weights, read_graph(found.read_bytes())) if found is not None else Contents(weights=weights)

    def _graph(self, object_: str) -> Graph | str:
        """What an ONNX file says; only its sha256 where Git LFS keeps it elsewhere."""
        if object_ not in self._graphs:
            data = self._bytes(object_)
            self._graphs[object_] = pointed_to(data) or read_graph(data)
        return self._graphs[object_]

    def _sha256(self, commit: str, path: str) -> str:
        object_ = self.repository.at(commit, path)
        if object_ is None:
            raise GitFailed(f"{path} was not committed")
        if object_ not in self._digests:
            data = self._bytes(object_)
            self._digests[object_] = pointed_to(data) or hashlib.sha256(data).hexdigest()
        return self._digests[object_]

    def _bytes(self, object_: str) -> bytes:
        if self.repository.size(object_) > _READ_MOST:
            raise GitFailed(f"its weights have more than {_READ_MOST // 2**20}Mi")
        return self.repository.read(object_)

    def _document(self, object_: str) -> Document | None:
        """A spec as it was; None for one that nobody could read."""
        if object_ not in self._documents:
            self._documents[object_] = self._parsed(object_)
        return self._documents[object_]

    def _parsed(self, object_: str) -> Document | None:
        if self.repository.size(object_) > SIZE_LIMIT:
            return None
        try:
            return parse_document(self.repository.read(object_).decode(), object_)
        except (UserError, UnicodeDecodeError):
            return None


def _state(commit: str, spec: str, document: Document, environment: str | None) -> State | None:
    value = document.value if isinstance(document.value, dict) else {}
    laid = next((one for name, one in overrides(document, None, []) if name == environment), {})
    whole = merged({key: part for key, part in value.items() if key in ("version", "artifact")}, laid)
    version, artifact = str(whole.get("version")), whole.get("artifact")
    source = artifact.get("source") if isinstance(artifact, dict) else None
    if not isinstance(source, str) or not isinstance(artifact, dict) or not Version.is_valid(version):
        return None
    external = artifact.get("external_data")
    named = external.items() if isinstance(external, dict) else ()
    sha256 = artifact.get("sha256")
    digest = str(sha256).removeprefix("sha256:") if sha256 is not None else None
    own = environment if any(part in laid for part in DECIDING) else None
    lock = lock_path(Path(spec), str(value.get("name")), own).as_posix()
    files = tuple((str(name), str(one).removeprefix("sha256:")) for name, one in named)
    return State(commit, version, source, digest, files, lock)
