"""Run `history`: what became of the models of an environment, the newest first; one entry whole, or as a page."""

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slipway import console
from slipway.commands.changing.deploying import recorder_of
from slipway.commands.context import EnvironmentContext
from slipway.deploy.record import live_models
from slipway.errors.base import FileRefused, Place, SlipwayError, UnknownName, UserError
from slipway.history import chart
from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread, NoHistory
from slipway.history.store import Store
from slipway.simulation.chart import require
from slipway.simulation.page import Table, page
from slipway.values.names import short

_COLUMNS = ("TIME (UTC)", "MODEL", "VERSION", "RELEASE", "ACTION", "VERDICT", "WHO", "COMMIT", "LIVE", "ID")
_STEP = ("percent", "verdict", "seconds")


def show_history(context: EnvironmentContext, model: str | None, limit: int, *, as_json: bool) -> None:
    """Print the newest entries of a model, or of all. One that cannot be read is named, after all others.

    Raises `HistoryUnread` for the first that cannot be.
    """
    store = _store(context)
    found: list[Entry] = []
    bad: list[HistoryUnread] = []
    for name, id_ in _newest(store, context.name, model, limit) if store is not None else ():
        try:
            found.append(store.read(context.name, name, id_))  # type: ignore[union-attr]
        except HistoryUnread as error:
            bad.append(error)
    live = _live(context, found)
    if as_json:
        document = [_document(entry) | {"live": entry.id in live} for entry in found]
        console.document({"environment": context.name, "entries": document})
    else:
        console.table(_COLUMNS, [_row(entry, live=entry.id in live) for entry in found])
    for other in bad[1:]:
        console.message(str(other))
    if bad:
        raise bad[0]


def show_entry(context: EnvironmentContext, model: str, id_: str, *, as_json: bool) -> None:
    """Print all of one entry, with the release in it only as JSON; raises `UnknownName`."""
    entry = _entry(context, model, id_)
    if as_json:
        console.document(entry.model_dump(mode="json", by_alias=True))
        return
    for name, text in _facts(entry):
        console.result(f"{name:<12} {text}")
    for title, columns, rows in _tables(entry):
        console.result("")
        console.table([column.upper() for column in columns], rows, title=title)


def write_page(context: EnvironmentContext, model: str, id_: str | None, file: Path) -> None:
    """Write one judged rollout as an HTML page with plots: the one named, else the newest.

    Raises `UserError` when there is none, `FileRefused` when the file cannot be written.
    """
    require("--page")
    entry = _entry(context, model, id_) if id_ else _newest_judged(context, model)
    if entry.rollout is None:
        problem = f"{entry.id} is no rollout that was judged step by step"
        allowed = "an entry of a `canary` or `blue-green` rollout"
        raise UserError(Place("--page"), model, problem, allowed, f"see them: slipway history {context.name} {model}")
    title = f"{entry.model} {entry.version} in {entry.environment}: {entry.verdict}"
    facts = [f"{name}: {text}" for name, text in _facts(entry)]
    try:
        file.write_text(page(title, facts, chart.draw(entry.rollout, title), _tables(entry)))
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(file), problem, "a file in a folder that is there", "name another") from None
    console.message(f"wrote {file}")


def _store(context: EnvironmentContext) -> Store | None:
    """Where the entries are; None, said in a line, where the state's backend has no place for them."""
    try:
        return recorder_of(context).store
    except NoHistory as error:
        console.message(f"no history is kept: {error}")
        return None


def _newest(store: Store, environment: str, model: str | None, limit: int) -> Iterator[tuple[str, str]]:
    """Model and identifier of the newest entries: names alone are read for it."""
    models = [model] if model else store.models(environment)
    all_ = ((id_, name) for name in models for id_ in store.ids(environment, name)[:limit])
    return ((name, id_) for id_, name in heapq.nlargest(limit, all_))


def _entry(context: EnvironmentContext, model: str, id_: str) -> Entry:
    store = _store(context)
    ids = store.ids(context.name, model) if store is not None else []
    if store is None or id_ not in ids:
        place = Place(f"environment {context.name}")
        raise UnknownName(place, f"{model}: entry", id_, ids[:20], f"see them: slipway history {context.name} {model}")
    return store.read(context.name, model, id_)


def _newest_judged(context: EnvironmentContext, model: str) -> Entry:
    store = _store(context)
    entries = store.entries(context.name, model) if store is not None else iter(())
    found = next((entry for entry in entries if entry.rollout is not None), None)
    if found is None:
        problem = "no rollout of it was judged step by step"
        todo = "set `rollout.strategy` of its spec to canary or blue-green"
        raise UserError(Place("--page"), model, problem, "a model with a judged rollout", todo)
    return found


def _live(context: EnvironmentContext, entries: Sequence[Entry]) -> set[str]:
    """Of each model the newest of these entries whose release is live; none where the cluster does not say."""
    if not entries:
        return set()
    try:
        live = live_models(context.cluster)
    except SlipwayError as error:
        console.message(f"what is live is not shown: {error}")
        return set()
    found: dict[str, str] = {}
    for entry in entries:
        here = live.get(entry.model)
        if here is not None and entry.verdict == "passed" and short(entry.release or "") == here.release:
            found.setdefault(entry.model, entry.id)
    return set(found.values())


def _document(entry: Entry) -> dict[str, Any]:
    """An entry as JSON, without the release itself, which `--show ID --json` has."""
    return entry.model_dump(mode="json", by_alias=True, exclude={"packed", "rollout"}) | {"kept": entry.kept}


def _row(entry: Entry, *, live: bool) -> list[str]:
    return [
        f"{entry.time:%Y-%m-%d %H:%M:%S}",
        entry.model,
        entry.version or "-",
        short(entry.release) if entry.release else "-",
        entry.action,
        entry.verdict,
        str(entry.who),
        str(entry.commit or "-"),
        "live" if live else "",
        entry.id,
    ]


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    """What an entry says, but for what is better in a table; what it does not say is left out."""
    replaced, run = entry.replaced, entry.who.run
    facts = {
        "id": entry.id,
        "time": f"{entry.time:%Y-%m-%d %H:%M:%S} UTC",
        "model": f"{entry.model} {entry.version}".strip(),
        "release": entry.release,
        "image": entry.image,
        "action": f"{entry.action}: {entry.verdict}",
        "reason": entry.reason,
        "replaced": f"{replaced.version}, release {replaced.release}" if replaced else None,
        "from": entry.source,
        "who": f"{entry.who}, {run}" if run else str(entry.who),
        "commit": f"{entry.commit.sha}{', and changes beside it' if entry.commit.dirty else ''}"
        if entry.commit
        else None,
        "slipway": entry.slipway,
        "held back": ", ".join(map(short, entry.held_back)),
        "kept": "yes: `slipway rollback` can go back to it" if entry.kept else "no",
    }
    return ((name, text) for name, text in facts.items() if text)


def _tables(entry: Entry) -> list[Table]:
    found: list[Table] = []
    steps = (entry.rollout or {}).get("steps")
    rows = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    if rows:
        cells = [[*(_cell(step.get(name)) for name in _STEP), _evidence(step.get("evidence"))] for step in rows]
        found.append(("Steps", (*_STEP, "evidence"), cells))
    if entry.differences:
        found.append(("Differences from the release before", ("where",), [[line] for line in entry.differences]))
    return found


def _evidence(value: object) -> str:
    return ", ".join(f"{key} {_cell(inner)}" for key, inner in value.items()) if isinstance(value, dict) else ""


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value if value is not None else "-")[:200]
