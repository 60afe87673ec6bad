"""TorchScript and torch.export archives by PyTorch in Slipway's own model server, on CPUs."""

from dataclasses import replace

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.onnxruntime import IMAGE


class TorchRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "torch"
    formats: tuple[str, ...] = ("torch-export", "torchscript")
    without_gpu = "PyTorch computes on CPUs here; a GPU is used by runtime onnxruntime, after {convert: onnx}"
    image: ImageRecipe | None = replace(IMAGE, requirements="server/requirements-torch.txt", variables=())
