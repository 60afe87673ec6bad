"""Restore a backup of an environment: refuse what would lose something newer, then states, history, keys and ledger."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast

from pydantic import ValidationError

from slipway.backup.database import LedgerDatabase
from slipway.backup.errors import BackupRefused
from slipway.backup.manifest import AUDIT, HISTORY, LEDGER, MANIFEST, Manifest, Parts, Stored, state_file
from slipway.backup.place import BackupPlace
from slipway.backup.take import States, is_of
from slipway.errors.base import Place, UserError, UserErrors, WrongValue
from slipway.history.entry import Entry
from slipway.history.record import Record, name_of
from slipway.history.store import Store
from slipway.history.trail import Trail
from slipway.values.aliases import Json, Tell
from slipway.values.names import stack


class RestoredStates(States, Protocol):
    """States that can be replaced; see `slipway.engine.engine.Engine`."""

    def restore_state(self, stack: str, state: Json, report: Tell) -> None:
        """Make a state that of a stack."""
        ...


@dataclass(frozen=True)
class Backup:
    """A backup, read whole and held against its digests. `files`: on this machine, by their names in the backup."""

    manifest: Manifest
    files: dict[str, Path]

    def state(self, name: str) -> Json:
        """The state of a stack."""
        return cast(Json, json.loads(self.files[state_file(name)].read_bytes()))

    def entries(self) -> Iterator[Entry]:
        """The entries of its history."""
        if HISTORY in self.files:
            with self.files[HISTORY].open(encoding="utf-8") as lines:
                for line in lines:
                    yield Entry.model_validate_json(line)

    def records(self) -> Iterator[tuple[int, str]]:
        """The records of its audit trail: number and file of each."""
        if AUDIT in self.files:
            with self.files[AUDIT].open(encoding="utf-8") as lines:
                for line in lines:
                    one = json.loads(line)
                    yield one["number"], one["file"]


@contextmanager
def read(place: BackupPlace, environment: str, parts: Sequence[Parts]) -> Iterator[Backup]:
    """Read the parts of a backup that are asked for, before anything is changed; they are kept while the block runs.

    Raises `BackupRefused` for a backup of another environment, one that is not whole, and one without such a part.
    """
    manifest = place.manifest()
    if manifest.environment != environment:
        field, problem = "environment", "is another environment"
        todo = f"restore it with slipway restore {manifest.environment}, or name a backup of {environment}"
        raise BackupRefused(place.file(MANIFEST), field, manifest.environment, problem, environment, todo)
    strangers = [name for name in manifest.stacks if not is_of(environment, name)]
    if strangers:
        problem, allowed = "is a stack of another environment", f"{environment} and {stack(environment, 'MODEL')}"
        raise BackupRefused(place.file(MANIFEST), "stacks", strangers[0], problem, allowed, "take another backup")
    wanted: dict[str, Stored] = {}
    if "state" in parts:
        wanted |= {state_file(name): stored for name, stored in manifest.stacks.items()}
        wanted |= {HISTORY: manifest.history} if manifest.history else {}
        wanted |= {AUDIT: manifest.audit} if manifest.audit else {}
    if "ledger" in parts and manifest.ledger:
        wanted[LEDGER] = manifest.ledger
    if not wanted:
        problem, allowed = "has none of what is to be restored", " and ".join(parts)
        raise BackupRefused(place.file(MANIFEST), "stacks", None, problem, allowed, "name a backup that has it")
    with TemporaryDirectory(prefix="slipway-restore-") as folder:
        files = {}
        for number, (name, stored) in enumerate(wanted.items()):
            files[name] = Path(folder, str(number))
            with files[name].open("w+b") as file:
                place.read(name, stored, file)
        backup = Backup(manifest, files)
        for line, entry in enumerate(backup.entries(), 1):
            if entry.environment != environment:
                problem, at = "is of another environment", f"{place.file(HISTORY)}:{line}"
                raise BackupRefused(at, "environment", entry.environment, problem, environment, "take another backup")
        yield backup


def changed(backup: Backup, states: States, *, overwrite_newer: bool) -> list[str]:
    """The stacks whose state is not as the backup has it, or that are not there.

    Raises `UserErrors` where a state is newer than the backup's, unless that may be lost.
    """
    found, newer = [], list[UserError]()
    for name in backup.manifest.stacks if _has_state(backup) else ():
        there, stored = states.state(name), backup.state(name)
        if there is not None and _resources(there) == _resources(stored):
            continue
        found.append(name)
        if there is not None and _time(there) > _time(stored):
            value = f"{_time(there):%Y-%m-%d %H:%M:%S} UTC"
            newer.append(_newer(f"stack {name}", value, f"{_time(stored):%Y-%m-%d %H:%M:%S} UTC"))
    if newer and not overwrite_newer:
        raise UserErrors(newer)
    return found


def check_ledger(backup: Backup, ledger: LedgerDatabase, environment: str, *, overwrite_newer: bool) -> str | None:
    """What would be lost of keys and ledger; raises `UserErrors` unless that may be."""
    newer = ledger.newer(backup.manifest.taken_at)
    if newer and not overwrite_newer:
        taken = f"{backup.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"
        raise UserErrors([_newer(f"keys and ledger of {environment}", str(newer), f"nothing after {taken}")])
    return str(newer) if newer else None


def restore_states(backup: Backup, names: Sequence[str], states: RestoredStates, tell: Callable[[str], None]) -> None:
    """Replace states, the environment's own first; run again, it goes on with those that differ."""
    for name in names:
        tell(f"state of stack {name}")
        states.restore_state(name, backup.state(name), tell)


def missing(backup: Backup, store: Store) -> list[str]:
    """Names of the entries that are not there."""
    names: dict[str, list[str]] = {}
    for entry in backup.entries():
        names.setdefault(entry.model, []).append(entry.id)
    environment = backup.manifest.environment
    there = {model: set(store.ids(environment, model)) for model in names}
    return [f"{model}/{id_}" for model, ids in names.items() for id_ in ids if id_ not in there[model]]


def restore_history(backup: Backup, store: Store, names: Sequence[str]) -> None:
    """Add entries by their names; what is there is never changed."""
    wanted = set(names)
    for entry in backup.entries():
        if name_of(entry) in wanted:
            store.write(entry, known=True)


def restore_trail(backup: Backup, trail: Trail, names: Sequence[str]) -> list[str]:
    """Add the records that are not there, up to one that is there and another: then the trail was begun anew meanwhile.

    Returns which of the entries of these names have no record.
    """
    named = set[str]()
    for number, file in backup.records():
        if not trail.put(number, file.encode()):
            break
        with suppress(ValidationError):  # damaged before the backup was taken: `audit --verify` names it
            record = Record.model_validate_json(file)
            named |= {*record.taken_in, *([name_of(record.entry)] if record.entry else [])}
    return [name for name in names if name not in named]


def restore_ledger(backup: Backup, ledger: LedgerDatabase) -> None:
    """Replace keys and ledger by the backup's."""
    stored = backup.manifest.ledger
    if stored is not None:
        with backup.files[LEDGER].open("rb") as file:
            ledger.restore(file, stored.size)


def _has_state(backup: Backup) -> bool:
    return any(state_file(name) in backup.files for name in backup.manifest.stacks)


def _newer(place: str, value: str, allowed: str) -> WrongValue:
    return WrongValue(
        Place(place),
        "",
        value,
        "is newer than the backup, and would be lost",
        allowed,
        "restore a newer backup; to lose it after all, take a backup of what is there now, then add --overwrite-newer",
    )


def _resources(state: Json) -> object:
    """What counts of a state: not when and by which version of the CLI it was written."""
    deployment = state.get("deployment") or {}
    return [deployment.get(part) or [] for part in ("resources", "pending_operations")]


def _time(state: Json) -> datetime:
    """When a state was written; long ago where nothing was written yet."""
    text = ((state.get("deployment") or {}).get("manifest") or {}).get("time", "")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)
