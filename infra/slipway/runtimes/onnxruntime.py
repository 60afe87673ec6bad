"""ONNX Runtime in Slipway's own model server, on CPUs and on NVIDIA's GPUs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.artifacts.onnx import Fetched, Found, find_artifact
from slipway.runtimes.base import CUDA, ImageRecipe, Served
from slipway.runtimes.model_server import ModelServer, image_of

IMAGE = image_of(
    "requirements.txt",
    (
        "ORT_DISABLE_TELEMETRY=1",
        "Nobody is told what is run: ONNX Runtime would look up the address of its maker's telemetry every few "
        "seconds.",
    ),
)


class OnnxRuntime(ModelServer):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "onnxruntime"
    formats: tuple[str, ...] = ("onnx",)
    accelerators: tuple[str, ...] = ("cpu", "gpu")
    image: ImageRecipe | None = replace(IMAGE, extras=(CUDA, *IMAGE.extras))
    gpu_image_bytes = 1580 * 2**20
    """The same with the wheels of server/requirements-cuda.txt: 1498 MiB of NVIDIA's and ONNX Runtime's by the sizes
    in server/uv.lock, compressed as they come, and what the other image has but for ONNX Runtime."""
    gpu_start_s: float = 10
    """An assumption until it is measured on a GPU: libraries of 3 GB are read, and CUDA is started."""

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """An ONNX file, with its external data beside it or where it was fetched to."""
        return find_artifact(path, root, fetched)

    def _served(self, served: Served) -> dict[str, Any]:
        """What the server serves: weights, on the GPU where the model has one."""
        section = super()._served(served)
        if served.gpu_memory is not None:
            section["model"] |= {"accelerator": "gpu", "gpu_memory_bytes": served.gpu_memory}
        return section
