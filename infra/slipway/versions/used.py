"""Hold the versions of models that are to be deployed against what was deployed before, by the history."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from semver import Version

from slipway.compatibility.contents import Contents
from slipway.compatibility.rule import Used, problem
from slipway.errors.base import Place, WrongValue
from slipway.history.entry import Entry
from slipway.history.errors import HistoryUnread, NoHistory
from slipway.history.store import Store
from slipway.planner.environment import ModelPlan
from slipway.values.names import short
from slipway.versions.recorder import Recorder

ENTRIES_MOST = 100
"""Of each model, the newest so many are looked at."""
_AT_ONCE = 8
_COUNTED = ("passed", "interrupted")
"""What served, or may have; a release that failed was nobody's, and its version may be used again."""


def too_low(
    recorder: Recorder,
    models: Sequence[ModelPlan],
    locate: Callable[[str], tuple[Place, str]],
    warn: Callable[[str], None],
) -> list[WrongValue]:
    """What is wrong with the versions of models, after what the environment's history says of them.

    Nothing where no history is kept; `warn` gets what cannot be read of it.

    Args:
        recorder: of the environment.
        models: that are to be deployed.
        locate: where the version of a model is written, and what the field is called.
        warn: see above.
    """
    try:
        store = recorder.store
    except NoHistory:
        return []  # said by whoever writes it
    found: list[WrongValue] = []
    for model in models:
        try:
            there = _newest(store, recorder.environment, model.name)
        except HistoryUnread as error:
            warn(f"warning: {model.name} {model.version} is not compared with what was deployed before: {error}")
            continue
        used = list(used_in(there))
        taken = [entry.version for entry in there if Version.is_valid(entry.version)]
        wrong = problem(model.version, model.contents, model.spec.fixes, used, taken, *locate(model.name))
        found += [] if wrong is None else [wrong]
    return found


def used_in(entries: Sequence[Entry]) -> Iterator[Used]:
    """The versions that served, with what was in them, in the order of the entries; but for those not known of."""
    known = contents_by_release(entries)
    for entry in entries:
        contents = known.get(entry.release or "")
        if entry.verdict in _COUNTED and contents is not None and Version.is_valid(entry.version):
            when = f"{entry.action} to {entry.environment} {entry.time:%Y-%m-%d %H:%M} UTC by {entry.who}"
            yield Used(entry.version, contents, f"{when}, release {short(entry.release or '')}")


def contents_by_release(entries: Iterable[Entry]) -> Mapping[str, Contents]:
    """What releases had in them: an entry about one that was restored does not say it, the one that made it does."""
    return {entry.release: entry.contents for entry in entries if entry.release and entry.contents is not None}


def _newest(store: Store, environment: str, model: str) -> list[Entry]:
    ids = store.ids(environment, model)[:ENTRIES_MOST]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return list(pool.map(lambda id_: store.read(environment, model, id_), ids))
