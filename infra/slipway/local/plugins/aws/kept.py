"""Keep what moto cannot: records by kind and key in one file, so that a stand-in that starts anew goes on."""

import copy
import json
import threading
from pathlib import Path
from typing import Any


class Kept:
    """Records of JSON. A kind is the name of a thing (`eks.access_entry`), a key is unique in it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._records: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """A copy of a record; None when there is none."""
        with self._lock:
            return copy.deepcopy(self._records.get(kind, {}).get(key))

    def put(self, kind: str, key: str, record: dict[str, Any]) -> None:
        """Make a record or write over it."""
        with self._lock:
            self._records.setdefault(kind, {})[key] = copy.deepcopy(record)
            self._save()

    def remove(self, kind: str, key: str) -> bool:
        """Take a record away; whether it was there."""
        with self._lock:
            there = self._records.get(kind, {}).pop(key, None) is not None
            self._records = {kind: records for kind, records in self._records.items() if records}
            self._save()
            return there

    def all(self) -> dict[str, dict[str, Any]]:
        """A copy of everything, by kind and key."""
        with self._lock:
            return copy.deepcopy(self._records)

    def _save(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(self._records))
        draft.replace(self._file)
