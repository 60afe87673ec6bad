"""The rules of all models: in memory, and on disk for a start without the API server."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from slipway_keys.telemetry.log import log
from slipway_keys.values.route import QualitySection, Route

ANNOTATION = "slipway.dev/route"
ROLLOUT_ANNOTATION = "slipway.dev/rollout"
_RELEASES = 2


class Routes:
    """The rules by the model's name."""

    def __init__(self, file: Path) -> None:
        """Take over what an earlier process left in the file, if it is there and whole."""
        self._file = file
        self._by_model: dict[str, Route] = {}
        self.changed = asyncio.Event()
        """Set when rules change; who waits for it clears it before."""
        self.known = False
        """Whether they were read once, now or by an earlier process: else an unknown model may be one not yet read."""
        try:
            documents = orjson.loads(file.read_bytes())
            self._by_model = {route.model: route for route in map(Route.model_validate, documents)}
            self.known = True
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log("routes on disk unusable", reason=type(error).__name__)

    def get(self, model: str) -> Route | None:
        """Return the rules of a model, None if there is none of this name."""
        return self._by_model.get(model)

    def models(self) -> list[str]:
        """Return the names of all models."""
        return sorted(self._by_model)

    def measured(self) -> dict[str, QualitySection]:
        """Return the rules of those models whose answers are kept for feedback."""
        return {route.model: route.quality for route in self._by_model.values() if route.quality is not None}

    def sleepers(self) -> list[str]:
        """Return the names of models that may have no replica at all."""
        return [route.model for route in self._by_model.values() if route.to_zero is not None]

    def replace(self, routes: Mapping[str, Route]) -> None:
        """Take these for all rules that there are."""
        if self.known and routes == self._by_model:
            return
        self._by_model = dict(routes)
        self.known = True
        self.changed.set()
        new = self._file.with_suffix(".new")
        try:
            new.write_bytes(orjson.dumps([route.model_dump(mode="json") for route in routes.values()]))
            new.replace(self._file)
        except OSError as error:
            log("routes not kept on disk", reason=error.strerror)


def route_of(document: Mapping[str, Any]) -> Route | None:
    """Return the rules that an HTTPRoute carries, None if it is no model's.

    One that does not fit is no rule: its model is closed, and the log says so.
    """
    metadata = document["metadata"]
    text = (metadata.get("annotations") or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        route = Route.model_validate(orjson.loads(text))
        if route.sticky is None:
            return route
        rollout = metadata["annotations"].get(ROLLOUT_ANNOTATION, "")
        known = {"share": _share(document), "rollout": rollout}
        return route.model_copy(update={"sticky": route.sticky.model_copy(update=known)})
    except (ValidationError, ValueError) as error:
        log("route refused", name=metadata.get("name"), reason=" ".join(str(error).split())[:500])
        return None


def _share(document: Mapping[str, Any]) -> float:
    """The share of the new release, from 0 to 1: the second backend of the first rule. Nobody's where there is none."""
    rules = (document.get("spec") or {}).get("rules") or [{}]
    weights = [float(backend.get("weight", 1)) for backend in rules[0].get("backendRefs") or []]
    total = sum(weights)
    return weights[1] / total if len(weights) == _RELEASES and total else 0.0
