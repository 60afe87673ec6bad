"""Put pipelines together as they are loaded: from the models beside them, as an environment serves those."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.artifacts.onnx import ArtifactFile, Found
from slipway.errors.base import UserError, WrongValue
from slipway.pipeline.compose import Composed, Uncomposable, compose
from slipway.reading.findings import Locate
from slipway.spec.pipeline import Pipeline
from slipway.values.quantities import compact_json

if TYPE_CHECKING:
    from slipway.loading.variant import Variant

Members = Mapping[str, "Variant"]
"""Models that a pipeline may ask, as they are served in one environment."""


def composed(pipeline: Pipeline, members: Members, locate: Locate, found: list[UserError]) -> Composed | None:
    """A pipeline put together; None when `found` got why it cannot be."""
    for index, stage in enumerate(pipeline.stages):
        for name in stage.models:
            member = members.get(name)
            if member is not None and member.own is not None:
                place, field = locate(("pipeline", "stages", index))
                problem = (
                    f"asks {name}, whose image has its own server: nobody knows what it takes, nor does it check passes"
                )
                todo = f"remove {name} from the pipeline"
                found.append(UserError(place, field, problem, "models that Slipway's own server runs", todo))
                return None
            if member is not None and member.spec.scale.to_zero is not None:
                place, field = locate(("pipeline", "stages", index))
                problem = f"asks {name}, which scale.to_zero lets sleep, and only calls of a client wake a model"
                todo = f"remove to_zero from {name}, or {name} from the pipeline"
                found.append(UserError(place, field, problem, "models that have a replica at any time", todo))
                return None
    try:
        return compose(pipeline, {name: member.artifact.signature for name, member in members.items()})
    except Uncomposable as error:
        place, field = locate(("pipeline", *error.at))
        found.append(WrongValue(place, field, error.value, error.problem, error.allowed, error.todo))
        return None


def in_place_of_weights(whole: Composed, pipeline: Pipeline, members: Members) -> Found:
    """A pipeline where others have weights: nothing to load, and a digest over what its server is told."""
    random = sorted({operator for name in pipeline.models for operator in members[name].random})
    sha256 = hashlib.sha256(compact_json(whole.document()).encode()).hexdigest()
    return Found(ArtifactFile("", Path(), 0, sha256), {}, 0, whole.signature, tuple(random), None)
