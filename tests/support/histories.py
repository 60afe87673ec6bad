"""Entries of a history, made up; and a place for them."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from slipway.history.backend import open_backend
from slipway.history.entry import Entry, Who, new_id
from slipway.history.store import Store

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def digest(version: str) -> str:
    """The release digest of a version, when each version is one release."""
    return sha256(version.encode()).hexdigest()


def entry(minute: int, version: str, action: str = "deploy", verdict: str = "passed", **changes: Any) -> Entry:
    """An entry of model `digits` in environment `local`, so many minutes after the history began."""
    at = BEGAN + timedelta(minutes=minute)
    fields: dict[str, Any] = {
        "id": new_id(at),
        "time": at,
        "environment": "local",
        "model": "digits",
        "action": action,
        "verdict": verdict,
        "version": version,
        "release": digest(version),
        "who": Who(user="mia", host="laptop"),
        "slipway": "0.2.0",
        "packed": {"release.json.gz": "H4sI"} if verdict == "passed" else None,
    }
    return Entry(**{**fields, **changes})


def newest_first(*entries: Entry) -> list[Entry]:
    """As a store gives them."""
    return sorted(entries, key=lambda one: one.id, reverse=True)


def in_folder(folder: Path) -> Store:
    """A store beside a state in a folder."""
    return Store(open_backend(f"file://{folder}"))
