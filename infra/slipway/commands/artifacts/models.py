"""Run `models`: every version of every model, where it is live, what is in it, whose it is, since when and by whom."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime

from semver import Version

from slipway import console
from slipway.compatibility.contents import Contents
from slipway.errors.base import UserError, each
from slipway.history.backend import backend_url, open_backend
from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread, NoHistory
from slipway.history.store import Store
from slipway.loading.contents import contents_of
from slipway.loading.specs import LoadedSpec, environments, find_root, load_specs
from slipway.reading.folders import Folders
from slipway.sources.store import Store as Weights
from slipway.values.names import short
from slipway.versions.used import contents_by_release

ENTRIES_MOST = 500
"""Of a model in an environment, the newest so many are read."""
_AT_ONCE = 8
_COLUMNS = ("MODEL", "VERSION", "ENVIRONMENT", "STATE", "SINCE (UTC)", "BY", "RELEASE", "IMAGE", "WEIGHTS", "METRICS")
_DIGITS = 12
NOWHERE = ""
"""The environment of a version that stands in a spec only."""


@dataclass(frozen=True, slots=True)
class Row:
    """One version of a model in one environment.

    Attributes:
        environment: empty for a version that stands in its spec and was deployed nowhere.
        state: `live`, `was live`, `failed`, `interrupted` or `not deployed`.
        since: when it came, for the last time.
        by: who brought it.
        weights: their digest; None where the history does not say it.
        metrics: as the gate measured them.
        owner: who answers for the model.
    """

    model: str
    version: str
    environment: str
    state: str
    since: datetime | None = None
    by: str = ""
    release: str | None = None
    image: str | None = None
    weights: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    owner: str | None = None
    commit: str | None = None


def show_models(
    folders: Folders, model: str | None, environment: str | None, owner: str | None, *, as_json: bool
) -> None:
    """Print all versions, or those of a model, an environment or an owner. No cluster is asked.

    Raises `HistoryUnread` for the first part of the history that cannot be read, after all else is shown.
    """
    bad: list[HistoryUnread] = []
    names = [environment] if environment is not None else environments(folders.settings)
    rows = [row for name in names for row in _deployed(name, model, bad)]
    specs = _specs(folders)
    rows += _undeployed(rows, specs) if environment is None else []
    owners = {spec.name: spec.base.spec.owner for spec in specs}
    chosen = [row for row in rows if model in (None, row.model) and owner in (None, row.owner or owners.get(row.model))]
    ordered = sorted(chosen, key=lambda row: (row.model, row.environment))
    ordered.sort(key=lambda row: _order(row.version), reverse=True)
    ordered.sort(key=lambda row: row.model)
    if as_json:
        found = [_document(row, owners) for row in ordered]
        console.document({"versions": found})
    else:
        console.table(_COLUMNS, [_cells(row) for row in ordered])
    for other in bad[1:]:
        console.message(str(other))
    if bad:
        raise bad[0]


def _deployed(environment: str, model: str | None, bad: list[HistoryUnread]) -> Iterator[Row]:
    """The versions that an environment's history knows; what cannot be read is added to `bad`."""
    try:
        store = Store(open_backend(backend_url(os.environ)))
        names = [model] if model is not None else store.models(environment)
        for name in names:
            yield from rows_of(_entries(store, environment, name, bad))
    except NoHistory as error:
        console.message(f"{environment}: what was deployed is not known: {error}")
    except HistoryUnread as error:
        bad.append(error)


def history_of(environment: str, model: str, bad: list[HistoryUnread]) -> list[Entry]:
    """The entries of a model in an environment, the newest first; what cannot be read is added to `bad`."""
    try:
        return _entries(Store(open_backend(backend_url(os.environ))), environment, model, bad)
    except NoHistory as error:
        console.message(f"{environment}: what was deployed is not known: {error}")
    except HistoryUnread as error:
        bad.append(error)
    return []


def _entries(store: Store, environment: str, model: str, bad: list[HistoryUnread]) -> list[Entry]:
    def read(id_: str) -> Entry | HistoryUnread:
        try:
            return store.read(environment, model, id_)
        except HistoryUnread as error:
            return error

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        found = list(pool.map(read, store.ids(environment, model)[:ENTRIES_MOST]))
    bad += [one for one in found if isinstance(one, HistoryUnread)]
    return [one for one in found if isinstance(one, Entry)]


def rows_of(entries: Sequence[Entry]) -> Iterator[Row]:
    """One row for each version of a model in an environment; `entries`: of it, the newest first."""
    known = contents_by_release(entries)
    owners = {entry.version: entry.owner for entry in reversed(entries) if entry.owner is not None}
    live = _live(entries)
    seen: set[str] = set()
    for entry in entries:
        if not entry.version or entry.version in seen or entry.action == "remove":
            continue
        mine = [one for one in entries if one.version == entry.version and one.action != "remove"]
        best = live if live in mine else next((one for one in mine if one.verdict == "passed"), entry)
        seen.add(entry.version)
        yield _row(best, "live" if best is live else _state(best), known.get(best.release or ""), owners)


def _live(entries: Sequence[Entry]) -> Entry | None:
    """The entry by which the release came that is live; None where none is: it was removed, or nothing served yet."""
    newest = next((entry for entry in entries if entry.verdict == "passed"), None)
    if newest is None or newest.action == "remove":
        return None
    found = newest
    for entry in entries:
        if entry.verdict == "passed" and entry.release != newest.release:
            break
        if entry.verdict == "passed" and entry.action != "restart":
            found = entry
    return found


def _state(entry: Entry) -> str:
    return "was live" if entry.verdict == "passed" else entry.verdict


def _row(entry: Entry, state: str, contents: Contents | None, owners: dict[str, str]) -> Row:
    return Row(
        model=entry.model,
        version=entry.version,
        environment=entry.environment,
        state=state,
        since=entry.time,
        by=str(entry.who),
        release=entry.release,
        image=entry.image,
        weights=contents.weights if contents is not None else None,
        metrics=dict(contents.metrics) if contents is not None else {},
        owner=owners.get(entry.version),
        commit=str(entry.commit) if entry.commit is not None else None,
    )


def _specs(folders: Folders) -> list[LoadedSpec]:
    """The specs as they are now; none, with the reason, where one cannot be read."""
    try:
        return load_specs(folders.models, find_root(folders.models), None, Weights(offline=True))
    except UserError as error:
        console.message(f"versions that stand in specs only are left out: {each(error)[0]}")
        return []


def _undeployed(rows: Sequence[Row], specs: Sequence[LoadedSpec]) -> Iterator[Row]:
    there = {(row.model, row.version) for row in rows}
    for spec in specs:
        served = spec.base
        if (spec.name, served.spec.version) not in there:
            contents = contents_of(served)
            yield Row(
                spec.name,
                served.spec.version,
                NOWHERE,
                "not deployed",
                weights=contents.weights,
                metrics=dict(contents.metrics),
                owner=served.spec.owner,
            )


def _order(version: str) -> Version:
    """By precedence; what an old entry has that is no version comes last."""
    return Version.parse(version) if Version.is_valid(version) else Version(0)


def _document(row: Row, owners: dict[str, str]) -> dict[str, object]:
    whole = asdict(row) | {"owner": row.owner or owners.get(row.model)}
    return whole | {"since": row.since.isoformat() if row.since is not None else None}


def _cells(row: Row) -> list[str]:
    metrics = ", ".join(f"{name} {value:g}" for name, value in sorted(row.metrics.items()))
    return [
        row.model,
        row.version,
        row.environment or "-",
        row.state,
        f"{row.since:%Y-%m-%d %H:%M}" if row.since is not None else "-",
        row.by or "-",
        short(row.release) if row.release else "-",
        row.image.partition("@")[2].removeprefix("sha256:")[:_DIGITS] or "-" if row.image else "-",
        row.weights[:_DIGITS] if row.weights else "-",
        metrics or "-",
    ]
