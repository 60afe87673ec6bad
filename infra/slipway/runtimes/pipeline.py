"""Models that answer as one, in Slipway's own model server: it asks them, and computes next to nothing itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.artifacts.onnx import Fetched, Found
from slipway.runtimes.base import GRPC, ImageRecipe, Served
from slipway.runtimes.model_server import ModelServer
from slipway.runtimes.onnxruntime import IMAGE, OnnxRuntime


class PipelineRuntime(ModelServer):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "pipeline"
    formats: tuple[str, ...] = ()
    image: ImageRecipe | None = replace(
        IMAGE,
        requirements="server/requirements-pipeline.txt",
        extras=(GRPC,),
        shared=OnnxRuntime.name,
    )
    without_gpu = "a pipeline computes nothing: the models that it asks have GPUs of their own"

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:  # noqa: ARG002
        """A pipeline has none; raises `LookupError`, since specs that say otherwise are refused before."""
        raise LookupError(f"a pipeline has no weights, and {path} is asked for")

    def _served(self, served: Served) -> dict[str, Any]:
        """What the server serves: other models."""
        return {"model": {"name": served.name, "version": served.version}, "pipeline": served.pipeline}
