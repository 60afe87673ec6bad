"""The keys service's rules of models, and its room for calls, for tests in which no model scales to zero."""

import json
import tempfile
from pathlib import Path

from slipway_keys.rules.collection import Collection
from slipway_keys.rules.routes import Routes
from slipway_keys.waking.endpoints import GROUP, PLURAL, WATCH_S, Endpoints
from slipway_keys.waking.room import Room


def empty_room() -> Room:
    """A room in which nobody waits."""
    nowhere = Path("nowhere")
    routes = Routes(nowhere)
    endpoints = Endpoints(routes, Collection(nowhere, None, GROUP, PLURAL, WATCH_S), lambda _: None)
    return Room(routes, endpoints, lambda _model, _count: None)


def routes_of(*names: str) -> Routes:
    """The rules of these models, called by key."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "routes.json")
        file.write_text(json.dumps([{"model": name, "auth": "api-key"} for name in names]))
        return Routes(file)
