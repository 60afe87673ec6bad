"""Keep a value in two files in turn: the newest that is whole is the value, whatever a power cut did to the other."""

import hashlib
import json
from pathlib import Path
from typing import Any

from slipway_edge.disk.files import Files
from slipway_edge.values.document import canonical

_MODE = 0o600


class Slots:
    """A JSON object in `NAME-0.json` and `NAME-1.json`.

    The file of the generation in force is never touched: the next one replaces the one before it. Each has the digest
    of what it holds, so that a torn, truncated or rotten file is known as such.
    """

    def __init__(self, folder: Path, name: str, files: Files) -> None:
        self._paths = tuple(folder / f"{name}-{slot}.json" for slot in (0, 1))
        self._files = files
        self._generation = 0
        self.damaged: list[str] = []
        """Names of files that were there and not whole when the value was read last."""

    def read(self) -> dict[str, Any] | None:
        """The newest value that is whole; None: there is none."""
        self.damaged = []
        newest: dict[str, Any] | None = None
        self._generation = 0
        for path in self._paths:
            raw = self._files.read(path)
            if raw is None:
                continue
            found = _whole(raw)
            if found is None:
                self.damaged.append(path.name)
            elif found[0] > self._generation:
                self._generation, newest = found
        return newest

    def write(self, value: dict[str, Any]) -> None:
        """Make this the value; when it returns, it outlives a power cut.

        Raises:
            OSError: the disk is full or broken; the value before stays.
        """
        generation = self._generation + 1
        body = {"generation": generation, "value": value}
        text = canonical({"body": body, "sha256": hashlib.sha256(canonical(body)).hexdigest()})
        self._files.write(self._paths[generation % 2], text, _MODE)
        self._generation = generation


def _whole(raw: bytes) -> tuple[int, dict[str, Any]] | None:
    try:
        held = json.loads(raw)
        body = held["body"]
        if hashlib.sha256(canonical(body)).hexdigest() != held["sha256"]:
            return None
        return int(body["generation"]), dict(body["value"])
    except (ValueError, KeyError, TypeError):
        return None
