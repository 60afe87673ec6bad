"""Write samples in batches, from a thread of their own: encrypted, the keys first."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from slipway_server.capture.keyring import Key, Keyring
from slipway_server.capture.sealing import sealed
from slipway_server.capture.store import Store, StoreFailed
from slipway_server.protocol.answers import to_bytes
from slipway_server.telemetry.log import log
from slipway_server.values.tensors import Array, to_json


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one request. `at`: when it was answered, in seconds since 1970. `size`: bytes of its tensors."""

    at: float
    subject: str | None
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    size: int


class Writer:
    """Writes the samples of one model's release. `prefix`: what keys of objects begin with."""

    def __init__(
        self, keyring: Keyring, store: Store, prefix: str, about: dict[str, str], count: Callable[[str, int], None]
    ) -> None:
        """`about`: what each sample says of its model. `count`: is told what became of how many samples."""
        self._keyring, self._store, self._prefix = keyring, store, prefix
        self._about, self._count = about, count
        self._failing = False

    def write(self, batch: Sequence[Kept]) -> None:
        """Store a batch; what cannot be stored is counted and gone."""
        lines: list[bytes] = []
        keys: dict[str, Key] = {}
        for one in batch:
            key = self._keyring.key(one.subject)
            try:
                lines.append(self._line(one, key))
                keys[key.name] = key
            except (TypeError, ValueError):
                self._count("unwritable", 1)
        if not lines:
            return
        try:
            # Before what is encrypted with them: a sample whose key is not there is nobody's.
            for key in keys.values():
                if not key.stored:
                    self._store.put(f"{self._prefix}/{key.path}", self._keyring.wrapped(key))
                    key.stored = True
            day = datetime.fromtimestamp(batch[-1].at, UTC)
            self._store.put(f"{self._prefix}/samples/{day:%Y-%m-%d}/{uuid.uuid4().hex}.jsonl", b"".join(lines))
        except StoreFailed as error:
            self._count("store_failed", len(lines))
            if not self._failing:
                log("capture", failed=str(error), store=self._prefix)
            self._failing = True
            return
        self._failing = False
        self._count("stored", len(lines))

    def _line(self, one: Kept, key: Key) -> bytes:
        said = {
            "at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
            **self._about,
            "inputs": {name: _json(array) for name, array in one.inputs.items()},
            "outputs": {name: _json(array) for name, array in one.outputs.items()},
        }
        data = base64.b64encode(sealed(to_bytes(said), key.name, key.secret)).decode()
        return json.dumps({"key": key.name, "sealed": data}, separators=(",", ":")).encode() + b"\n"


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def _json(array: Array) -> object:
    if array.dtype.kind != "O":
        return to_json(array)
    texts = np.array(
        [item.decode(errors="replace") if isinstance(item, bytes) else item for item in array.ravel()], dtype=np.object_
    )
    return texts.reshape(array.shape).tolist()
