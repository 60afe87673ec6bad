"""LiteRT, TensorFlow Lite's successor, in Slipway's own model server, on CPUs."""

from dataclasses import replace

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.onnxruntime import IMAGE


class LiteRtRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "litert"
    formats: tuple[str, ...] = ("tflite",)
    without_gpu = "LiteRT computes on CPUs here; a GPU is used by runtime onnxruntime, after {convert: onnx}"
    image: ImageRecipe | None = replace(IMAGE, requirements="server/requirements-litert.txt", variables=())
