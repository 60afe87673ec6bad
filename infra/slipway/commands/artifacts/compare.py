"""Run `compare`: versions of a model, the weights that its steps began with, and environments, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic_core import PydanticCustomError

from slipway import console
from slipway.advice.compared import Compared, draw, numbers, table
from slipway.advice.figures import BASES
from slipway.commands.artifacts.models import history_of
from slipway.commands.inspecting.advise import save
from slipway.commands.inspecting.one_model import load_named
from slipway.deploy.record_format import BadRecord, unpacked
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.pool import Pool
from slipway.errors.base import Place, UnknownName
from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread
from slipway.loading.settings import environments, load_settings
from slipway.loading.specs import LoadedSpec
from slipway.loading.variant import Variant
from slipway.measuring.findings import Finding
from slipway.measuring.kept import measured_path, read
from slipway.policy.resource import read as read_path
from slipway.reading.folders import Folders
from slipway.simulation.chart import require
from slipway.simulation.page import page
from slipway.spec.resources import Resources
from slipway.values.aliases import Json
from slipway.values.quantities import parse_bytes, parse_cpu
from slipway.versions.used import contents_by_release

SOURCE = "source"
"""What stands for the trained weights that a lock's steps began with."""
FILES = "files"
"""Where a version is that stands in the spec as it is now."""
_LISTED = 20
_LIMITS = {"cpu", "memory", "ephemeral-storage"}
"""Of a replica without GPUs."""
_TODO = "name one of those; `slipway models` shows all versions"


def show_compared(
    model: str, names: Sequence[str], priced_in: str | None, folders: Folders, html: Path | None, *, as_json: bool
) -> None:
    """Print what is known of versions, environments and the trained weights of a model, side by side.

    Args:
        model: its name.
        names: versions, names of environments, or `source`.
        priced_in: the environment whose prices count for versions; None for unknown prices.
        folders: where specs and settings are.
        html: where the page goes; None for none.
        as_json: one document instead of a table.

    Raises:
        UnknownName: nothing has one of the names.
        HistoryUnread: a part of the history that cannot be read, after all else is shown.
    """
    if html is not None:
        require("--html")
    spec, _ = load_named(model, folders)
    kept = read(measured_path(folders.models, model))
    known = _Known(spec, folders, priced_in, kept.findings if kept is not None else ())
    rows = [known.find(name) for name in names]
    title, columns, cells = table(rows)
    if html is not None:
        save(html, page(f"{model}, compared", list(_notes(priced_in)), draw(rows), [(title, columns, cells)]))
    if as_json:
        console.document({"model": model, "pricedIn": priced_in, "compared": [row.to_json() for row in rows]})
    else:
        console.table(columns, cells)
        console.result("")
        for line in _notes(priced_in):
            console.result(line)
    for other in known.bad[1:]:
        console.message(str(other))
    if known.bad:
        raise known.bad[0]


def _notes(priced_in: str | None) -> Iterator[str]:
    yield f"letters: {', '.join(f'{basis[0]} {basis}' for basis in BASES)}"
    yield "P95 MS: at the knee, the highest rate that a replica kept up with when `slipway measure` ran that version"
    yield "$/1,000: a replica's part of its node for a thousand requests at that rate; $/MONTH: the fewest replicas'"
    if priced_in is None:
        yield "versions are priced where --environment says"


@dataclass
class _Known:
    """All that can be compared of one model; histories are read when a name is in no file."""

    spec: LoadedSpec
    folders: Folders
    priced_in: str | None
    findings: Sequence[Finding]
    bad: list[HistoryUnread] = field(default_factory=list)

    def find(self, name: str) -> Compared:
        """What is known of a version, an environment or `source`; raises `UnknownName`."""
        if name in self._environments:
            return self._of_files(name, self.spec.variant(name), name, self._pools(name))
        if name == SOURCE and (source := self._source()) is not None:
            return source
        for where in (self.priced_in or "", *sorted(self.spec.overrides)):
            served = self.spec.variant(where)
            if served.spec.version == name:
                return self._of_files(name, served, FILES, self._priced)
        if name == self.spec.base.spec.version:
            return self._of_files(name, self.spec.base, FILES, self._priced)
        entry = next((one for one in self._kept if one.version == name), None)
        if entry is None:
            raise UnknownName(Place("command line"), f"{self.spec.name}: version", name, self._names(), _TODO)
        return self._of_history(entry)

    @cached_property
    def _environments(self) -> Sequence[str]:
        return environments(self.folders.settings)

    @cached_property
    def _history(self) -> Mapping[str, Sequence[Entry]]:
        return {name: history_of(name, self.spec.name, self.bad) for name in self._environments}

    @property
    def _kept(self) -> list[Entry]:
        """Entries whose release was judged right, the newest first."""
        found = [entry for entries in self._history.values() for entry in entries if entry.verdict == "passed"]
        return sorted(found, key=lambda entry: entry.id, reverse=True)

    @cached_property
    def _priced(self) -> Sequence[Pool]:
        return self._pools(self.priced_in) if self.priced_in is not None else ()

    def _pools(self, environment: str) -> Sequence[Pool]:
        return planning(load_settings(self.folders.settings, environment)).pools

    def _names(self) -> list[str]:
        versions = dict.fromkeys((self.spec.base.spec.version, *(entry.version for entry in self._kept)))
        source = [SOURCE] if self._source() is not None else []
        return [*list(versions)[:_LISTED], *source, *self._environments]

    def _of_files(self, name: str, served: Variant, where: str, pools: Sequence[Pool]) -> Compared:
        known = numbers(served.spec, served.spec.version, self.findings, pools)
        return Compared(
            name=name,
            version=served.spec.version,
            where=where,
            metrics=served.metrics,
            memory=served.spec.resources.memory,
            size=served.artifact.size,
            numbers=known,
        )

    def _source(self) -> Compared | None:
        """The trained weights: nothing but their size is known, since a lock is about what serves."""
        locked = self.spec.base.locked
        if locked is None:
            return None
        return Compared(SOURCE, self.spec.base.spec.version, locked.lock.source.at, size=locked.lock.source.size)

    def _of_history(self, entry: Entry) -> Compared:
        contents = contents_by_release(self._history[entry.environment]).get(entry.release or "")
        resources = _resources(entry, self.spec.base.spec.resources)
        size = None
        if contents is not None and contents.weights == self.spec.base.artifact.sha256:
            size = self.spec.base.artifact.size
        where = f"{entry.environment}, {entry.time:%Y-%m-%d}"
        row = Compared(entry.version, entry.version, where, dict(contents.metrics) if contents else {}, size=size)
        if resources is None:
            return row
        spec = self.spec.variant(entry.environment).spec.model_copy(update={"resources": resources})
        known = numbers(spec, entry.version, self.findings, self._priced)
        return Compared(row.name, row.version, where, row.metrics, memory=resources.memory, size=size, numbers=known)


def _resources(entry: Entry, like: Resources) -> Resources | None:
    """What a replica of a kept release gets; None where its entry does not say, or where GPUs are in it."""
    try:
        manifests = unpacked({"binaryData": entry.packed}).manifests
    except BadRecord:
        return None
    limits = next((_limits(one) for one in manifests if one.get("kind") == "Deployment"), None)
    if like.gpu is not None or not isinstance(limits, dict) or not {"cpu", "memory"} <= set(limits) <= _LIMITS:
        return None
    try:
        cpu, memory = parse_cpu(limits["cpu"]), parse_bytes(limits["memory"])
    except PydanticCustomError:
        return None
    return like.model_copy(update={"cpu": cpu, "memory": memory})


def _limits(deployment: Json) -> object:
    return read_path(deployment, "spec.template.spec.containers.0.resources.limits")
