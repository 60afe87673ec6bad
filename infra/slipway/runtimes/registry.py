"""Lists the runtimes: specs, images, environments and documentation derive from this list."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.errors.base import nearest
from slipway.runtimes.base import ImageRecipe, Runtime
from slipway.runtimes.custom import WEIGHTS_FOLDER, CustomRuntime
from slipway.runtimes.litert import LiteRtRuntime
from slipway.runtimes.llama import LlamaRuntime
from slipway.runtimes.onnxruntime import OnnxRuntime
from slipway.runtimes.others.mlserver import MLServerRuntime
from slipway.runtimes.others.triton import TritonRuntime
from slipway.runtimes.pipeline import PipelineRuntime
from slipway.runtimes.sklearn import SklearnRuntime
from slipway.runtimes.tensorflow import TensorflowRuntime
from slipway.runtimes.torch import TorchRuntime
from slipway.values.quantities import refusal

_ALL: tuple[Runtime, ...] = (
    OnnxRuntime(),
    LiteRtRuntime(),
    SklearnRuntime(),
    TensorflowRuntime(),
    TorchRuntime(),
    LlamaRuntime(),
    PipelineRuntime(),
    CustomRuntime(),
    TritonRuntime(),
    MLServerRuntime(),
)

RUNTIMES: Mapping[str, Runtime] = {runtime.name: runtime for runtime in _ALL}
"""By the name that a spec gives."""
PIPELINE = PipelineRuntime.name
"""The runtime that has no weights: it asks other models."""
LLAMA = LlamaRuntime.name
"""The runtime of language models."""
CUSTOM = CustomRuntime.name
"""The runtime whose image brings its own server."""
OWN_SERVERS = frozenset(name for name, one in RUNTIMES.items() if isinstance(one, CustomRuntime))
"""Those whose server is not Slipway's: it checks no pass, and its answers do not say their release."""


def loading(format: str) -> tuple[str, ...]:  # noqa: A002 - the spec's own word
    """The runtimes that load weights of a format."""
    return tuple(runtime.name for runtime in _ALL if format in runtime.formats)


def recipe(runtime: str) -> ImageRecipe:
    """How the image of a runtime is made; raises `LookupError` for one whose image a spec brings."""
    found = RUNTIMES[runtime].image
    if found is None:
        raise LookupError(f"Slipway makes no image of runtime {runtime}: the spec brings it")
    return found


def weights_folder(runtime: str) -> str:
    """Where the weights are in the image of a runtime."""
    found = RUNTIMES[runtime].image
    return found.weights if found is not None else WEIGHTS_FOLDER


def _known(value: object) -> str:
    if isinstance(value, str) and value in RUNTIMES:
        return value
    near = nearest(value, list(RUNTIMES)) if isinstance(value, str) else None
    raise refusal("is not accepted", ", ".join(RUNTIMES), f"write {near or next(iter(RUNTIMES))}")


RuntimeName = Annotated[str, BeforeValidator(_known), WithJsonSchema({"type": "string", "enum": list(RUNTIMES)})]
"""What a spec may say in `runtime`."""
