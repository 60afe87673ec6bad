"""LiteRT, TensorFlow Lite's successor, in Slipway's own model server, on CPUs."""

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.model_server import image_of


class LiteRtRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "litert"
    formats: tuple[str, ...] = ("tflite",)
    without_gpu = "LiteRT computes on CPUs here; a GPU is used by runtime onnxruntime, after {convert: onnx}"
    image: ImageRecipe | None = image_of("requirements-litert.txt")
    image_bytes = 99 * 2**20
    """57 MiB for the wheels of server/requirements-litert.txt (installed, as tar through gzip -6, 2026-11-26), and the
    assumption of ONNX Runtime's for Python. Starts, and takes memory, as ONNX Runtime does: 0.8 s and 77 MiB with the
    digits of models/digits-lite, where that one takes 0.6 s and 91 MiB (as processes, one thread, 2026-11-26)."""
