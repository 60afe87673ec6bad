"""Refuse what a spec says beside a pipeline, and a spec with neither a pipeline nor weights."""

from typing import TYPE_CHECKING

from slipway.runtimes.registry import PIPELINE
from slipway.values.quantities import refusal

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first of what does not fit together; see `slipway.values.quantities.refusal`."""
    piped = spec.runtime == PIPELINE
    if spec.pipeline is not None:
        if spec.artifact is not None:
            problem = "is given beside pipeline, which answers by what its models answer"
            raise refusal(problem, "artifact or pipeline", "remove one of them", ("artifact",))
        if not piped:
            problem = f"is {spec.runtime}, which runs weights, and the spec has a pipeline"
            raise refusal(problem, PIPELINE, f"write runtime: {PIPELINE}", ("runtime",))
        for key in ("optimize", "accept"):
            if getattr(spec, key):
                problem = "is given for a pipeline, which has no weights"
                todo = f"write {key} into the specs of its models"
                raise refusal(problem, f"{key} beside artifact", todo, (key,))
        return
    if piped:
        todo = "add pipeline: {stages: [{model: NAME}]}, or write another runtime"
        raise refusal(f"is missing beside runtime: {PIPELINE}", "the stages of the pipeline", todo, ("pipeline",))
    if spec.artifact is None and spec.custom is None:
        todo = "add for example artifact: {source: models/digits/model.onnx}"
        raise refusal("is missing", "the trained weights", todo, ("artifact",))
