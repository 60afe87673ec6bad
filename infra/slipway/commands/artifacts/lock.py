"""Make locks: run the steps of specs, measure what comes out, and write what serves beside each spec."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from slipway import console
from slipway.errors.base import FileRefused, Place, UserError, UserErrors, WrongValue, each
from slipway.gate.judge import error
from slipway.gate.table import lines, table
from slipway.loading.lockable import Lockable, lockables
from slipway.lockfile.files import lock_text, read_lock, write_lock
from slipway.lockfile.model import Lock
from slipway.optimize.locking import Outcome, make_lock
from slipway.reading.folders import Folders, find_root
from slipway.sources.store import Store

_SHOWN = 8
"""Differences of two locks that a message names; the files have them all."""
_COMMAND_LINE = Place("command line")


def lock_models(models: Sequence[str], folders: Folders, page: Path | None, *, check: bool) -> None:
    """Lock the models named, or all that need a lock or have one.

    Args:
        models: their names.
        folders: where specs are, and whether weights may be fetched.
        page: file for the report of the one model that is named; None for none.
        check: whether to write nothing, and to refuse a lock that would be another one.

    Raises:
        UserErrors: what was refused, after all others were locked.
        StepFailed, BoxUnavailable, NoSpace: a step could not run.
    """
    found: list[UserError] = []
    targets = list(lockables(folders.models, find_root(folders.models), models, found))
    if page is not None and len(targets) != 1 and not found:
        problem = f"is one report, and {len(targets)} locks are made"
        raise WrongValue(_COMMAND_LINE, "--report", str(page), problem, "--report with one model", "name one model")
    for target in targets:
        try:
            with console.Progress() as progress:
                store = Store(tell=progress.report, offline=folders.offline)
                outcome = make_lock(target, store, partial(progress.report, target.name))
            _show(target, outcome, page)
            _conclude(target, outcome, check=check)
        except UserError as refused:
            found += each(refused)
    if found:
        raise UserErrors(found)
    if not targets:
        console.result("no spec needs a lock: none has optimize or accept, or weights in another format than ONNX")


def _show(target: Lockable, outcome: Outcome, page: Path | None) -> None:
    """Print what was measured, and write the report where one is asked for."""
    for note in outcome.notes:
        console.message(f"{target.name}: {note}")
    report = outcome.report
    if report is None:
        return
    columns, rows = table(report, outcome.refusals)
    console.table([column.upper() for column in columns], rows, title=target.name)
    for line in lines(report):
        console.message(f"  {line}")
    if page is not None:
        from slipway.gate.page import render_page  # noqa: PLC0415 - matplotlib is an extra
        from slipway.simulation.chart import require  # noqa: PLC0415

        require("--report")
        page.write_text(render_page(report, outcome.refusals), encoding="utf-8")
        console.message(f"  {page} has the report")


def _conclude(target: Lockable, outcome: Outcome, *, check: bool) -> None:
    """Write the lock, or say why it stays as it is."""
    if outcome.unserved is not None:
        raise outcome.unserved
    if outcome.refusals or outcome.lock is None:
        place, _ = target.locate(("accept",))
        raise error(outcome.refusals, place)
    path = target.path
    try:
        there = read_lock(path, target.locks.root)
    except UserError:
        if check:
            raise
        there = None  # it is written anew
    same = there is not None and lock_text(there.lock) == lock_text(outcome.lock)
    if check and not same:
        problem = "does not exist" if there is None else f"would be another one: {_changed(there.lock, outcome.lock)}"
        todo = f"slipway lock {target.spec.name}, review the change and commit it"
        raise FileRefused(str(path), problem, "the lock of the spec and its files as they are now", todo)
    if not same:
        write_lock(outcome.lock, path)
    wild = [step for step in outcome.lock.steps if not step.deterministic]
    for step in wild:
        console.message(
            f"  {step.step.kind} is not deterministic: another machine makes other bytes, so carry these there"
        )
    console.result(f"{'ok ' if same else 'wrote '} {path}: {_served(outcome.lock)}")


def _served(lock: Lock) -> str:
    served = lock.served
    metrics = ", ".join(f"{name} {value:g}" for name, value in served.metrics.items())
    return f"{served.format}, {served.size} bytes{f', {metrics}' if metrics else ''}"


def _changed(before: Lock, after: Lock) -> str:
    """What differs between two locks, field by field."""
    was, now = (dict(_flat(lock.model_dump(mode="json"))) for lock in (before, after))
    fields = [field for field in {**was, **now} if was.get(field) != now.get(field)]
    named = [f"{field} is {was.get(field, 'left out')}, and {now.get(field, 'left out')} now" for field in fields]
    more = f" (and {len(named) - _SHOWN} more)" if len(named) > _SHOWN else ""
    return "; ".join(named[:_SHOWN]) + more


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of JSON values by its path."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _flat(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _flat(below, f"{path}[{index}]")
    else:
        yield path, value[:16] if isinstance(value, str) and len(value) == 64 else value
