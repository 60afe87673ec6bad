"""Back up an environment: states of stacks, history, keys and ledger, then the manifest that makes it a backup."""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from slipway.backup.database import LedgerDatabase
from slipway.backup.manifest import AUDIT, HISTORY, LEDGER, MANIFEST, Manifest, Stored, state_file
from slipway.backup.place import BackupPlace
from slipway.history.errors import HistoryUnread
from slipway.history.store import FOREIGN, Store
from slipway.history.trail import Trail
from slipway.values.aliases import Json
from slipway.values.names import stack
from slipway.values.version import version


class States(Protocol):
    """The states of stacks; see `slipway.engine.engine.Engine`."""

    def stacks(self) -> tuple[str, ...]:
        """All stacks of the backend."""
        ...

    def state(self, stack: str) -> Json | None:
        """The state of one; None where there is none."""
        ...


@dataclass(frozen=True)
class Sources:
    """What a backup is made of: all but the states is None where the environment has none that can be copied."""

    states: States
    history: Store | None
    ledger: LedgerDatabase | None
    trail: Trail | None = None


def is_of(environment: str, name: str) -> bool:
    """Whether a stack is an environment's, or that of a model in it; a dot in its name belongs to a model's."""
    return name == stack(environment) or name.startswith(stack(environment, ""))


def take(
    environment: str, taken_at: datetime, sources: Sources, place: BackupPlace, tell: Callable[[str], None]
) -> tuple[Manifest, list[HistoryUnread]]:
    """Write a backup; returns what is in it, and entries and records that are not, since they cannot be read.

    Raises `BackupUnwritten`, and what the engine and the cluster raise; there is no manifest then, and no backup.
    """
    states = {}
    for name in sorted(name for name in sources.states.stacks() if is_of(environment, name)):
        tell(f"state of stack {name}")
        state = sources.states.state(name)
        if state is not None:  # it was destroyed meanwhile
            states[name] = place.write(state_file(name), io.BytesIO(json.dumps(state).encode()))
    history, unread = None, list[HistoryUnread]()
    if sources.history is not None:
        tell("history")
        history, unread = _history(sources.history, environment, place)
    audit = None
    if sources.trail is not None:
        tell("audit trail")
        audit, more = _audit(sources.trail, place)
        unread += more
    ledger = None
    if sources.ledger is not None:
        tell("keys and ledger")
        with tempfile.TemporaryFile() as file:
            sources.ledger.dump(file)
            file.seek(0)
            ledger = place.write(LEDGER, file)
    manifest = Manifest(
        environment=environment,
        taken_at=taken_at,
        slipway=version(),
        stacks=states,
        history=history,
        audit=audit,
        ledger=ledger,
    )
    place.write(MANIFEST, io.BytesIO(manifest.model_dump_json(indent=2).encode()))
    return manifest, unread


def _history(store: Store, environment: str, place: BackupPlace) -> tuple[Stored, list[HistoryUnread]]:
    unread: list[HistoryUnread] = []
    with tempfile.TemporaryFile() as file:
        for model in store.models(environment):
            for id_ in store.ids(environment, model):
                try:
                    entry = store.read(environment, model, id_)
                except HistoryUnread as error:
                    unread.append(error)
                else:
                    file.write(f"{entry.model_dump_json(by_alias=True, exclude_none=True)}\n".encode())
        file.seek(0)
        return place.write(HISTORY, file), unread


def _audit(trail: Trail, place: BackupPlace) -> tuple[Stored, list[HistoryUnread]]:
    """Write the records byte for byte: their hashes are of the bytes."""
    unread: list[HistoryUnread] = []
    with tempfile.TemporaryFile() as file:
        for number, raw in trail.read_all(trail.numbers()):
            try:
                if isinstance(raw, HistoryUnread):
                    raise raw
                line = {"number": number, "file": raw.decode()}
            except HistoryUnread as error:
                unread.append(error)
            except UnicodeDecodeError:
                unread.append(HistoryUnread(trail.file(number), "it is no record: no UTF-8", FOREIGN))
            else:
                file.write(f"{json.dumps(line)}\n".encode())
        file.seek(0)
        return place.write(AUDIT, file), unread
