"""Keep the last rollout of each model: what it is made of, and apart from that how far it is, which changes often."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slipway.edge.rings import Rollout


@dataclass(frozen=True, slots=True)
class Going:
    """A model's rollout: its release, what each device had before (None: nothing), and how far it is."""

    model: str
    release: str
    before: Mapping[str, str | None]
    rollout: Rollout


def read(db: sqlite3.Connection) -> Iterator[Going]:
    """The rollouts, by the names of their models."""
    rows = db.execute(
        "SELECT model, release, before, rollouts.state, progress.state FROM rollouts LEFT JOIN progress USING (model) "
        "ORDER BY model"
    )
    for model, release, before, begun, now in rows:
        state: dict[str, Any] = json.loads(begun) | json.loads(now or "{}")
        lists: dict[str, Any] = {name: tuple(state.get(name, ())) for name in ("devices", "opened", "approved")}
        yield Going(model, release, json.loads(before), Rollout(**state | lists))


def write(db: sqlite3.Connection, going: Going) -> None:
    """Replace the rollout of a model."""
    values = (going.model, going.release, json.dumps(dict(going.before)), json.dumps(asdict(going.rollout)))
    db.execute("INSERT OR REPLACE INTO rollouts VALUES (?, ?, ?, ?)", values)
    write_progress(db, going.model, going.rollout)


def write_progress(db: sqlite3.Connection, model: str, rollout: Rollout) -> None:
    """Replace how far a rollout is; not its devices, which may be thousands and stay the same."""
    state = {name: value for name, value in asdict(rollout).items() if name != "devices"}
    db.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (model, json.dumps(state)))


def delete(db: sqlite3.Connection, model: str) -> None:
    """Delete the rollout of a model."""
    db.execute("DELETE FROM rollouts WHERE model = ?", (model,))
    db.execute("DELETE FROM progress WHERE model = ?", (model,))
