"""The record of a device: the document in force, and of each model what is good, what was before it, what is bad."""

import base64
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway_edge.disk.files import Files
from slipway_edge.disk.slots import Slots
from slipway_edge.values.document import Entry
from slipway_edge.values.errors import Away

_BAD_KEPT = 8
_NONCES = 1000
"""Reserved at a time: a write to flash per request would wear it out."""


@dataclass
class Kept:
    """Of one model.

    Attributes:
        good: the version that passed its golden request and settled; None: none has yet.
        before: the one that was good before it.
        bad: the reason by digest of the entry of each version that was judged bad, oldest first.
    """

    good: Entry | None = None
    before: Entry | None = None
    bad: dict[str, str] = field(default_factory=dict)


@dataclass
class Record:
    """All that a device knows after a power cut. `serial` 0: no document was ever in force."""

    serial: int = 0
    payload: bytes | None = None
    nonces: int = 0
    models: dict[str, Kept] = field(default_factory=dict)


class Book:
    """The record, and where it is kept: every change is on the disk before it is acted upon, else it raises `Away`."""

    def __init__(self, folder: Path, files: Files) -> None:
        self._slots = Slots(folder, "record", files)
        held = self._slots.read()
        self.damaged = tuple(self._slots.damaged)
        self.record = _parsed(held) if held is not None else Record()
        self._nonce = self.record.nonces

    def of(self, model: str) -> Kept:
        """What is kept of a model; something empty for a new one."""
        return self.record.models.get(model, Kept())

    def take(self, serial: int, payload: bytes) -> None:
        """A document is in force from now on."""
        self._write(dataclasses.replace(self.record, serial=serial, payload=payload))

    def mark_good(self, entry: Entry) -> None:
        """A version passed: the one before it is kept, the one before that is not."""
        kept = self.of(entry.model)
        before = kept.before if kept.good == entry else kept.good
        bad = {key: why for key, why in kept.bad.items() if key != entry.digest}
        self._keep(entry.model, Kept(entry, before, bad))

    def mark_bad(self, entry: Entry, reason: str) -> None:
        """A version was judged and is bad; if it was the good one, the one before it is that again."""
        kept = self.of(entry.model)
        bad = dict(
            [*((k, why) for k, why in kept.bad.items() if k != entry.digest), (entry.digest, reason)][-_BAD_KEPT:]
        )
        if kept.good == entry:
            self._keep(entry.model, Kept(kept.before, None, bad))
        else:
            self._keep(entry.model, Kept(kept.good, kept.before, bad))

    def forget(self, model: str) -> None:
        """A model is not desired any more."""
        models = {name: kept for name, kept in self.record.models.items() if name != model}
        self._write(dataclasses.replace(self.record, models=models))

    def next_nonce(self) -> int:
        """A number above all that this device ever used."""
        if self._nonce >= self.record.nonces:
            self._write(dataclasses.replace(self.record, nonces=self._nonce + _NONCES))
        self._nonce += 1
        return self._nonce

    def _keep(self, model: str, kept: Kept) -> None:
        self._write(dataclasses.replace(self.record, models={**self.record.models, model: kept}))

    def _write(self, record: Record) -> None:
        try:
            self._slots.write(_as_json(record))
        except OSError as error:
            raise Away(f"the record cannot be written: {error.strerror or error}") from None
        self.record = record


def _as_json(record: Record) -> dict[str, Any]:
    return {
        "serial": record.serial,
        "payload": None if record.payload is None else base64.b64encode(record.payload).decode(),
        "nonces": record.nonces,
        "models": {
            name: {"good": _dumped(kept.good), "before": _dumped(kept.before), "bad": list(kept.bad.items())}
            for name, kept in record.models.items()
        },
    }


def _dumped(entry: Entry | None) -> dict[str, Any] | None:
    return None if entry is None else entry.model_dump(mode="json")


def _parsed(held: dict[str, Any]) -> Record:
    return Record(
        serial=held["serial"],
        payload=None if held["payload"] is None else base64.b64decode(held["payload"]),
        nonces=held["nonces"],
        models={
            name: Kept(_entry(kept["good"]), _entry(kept["before"]), dict(kept["bad"]))
            for name, kept in held["models"].items()
        },
    )


def _entry(held: dict[str, Any] | None) -> Entry | None:
    """What an agent of another version wrote and this one cannot read is as if it were not there."""
    try:
        return None if held is None else Entry.model_validate(held)
    except ValidationError:
        return None
