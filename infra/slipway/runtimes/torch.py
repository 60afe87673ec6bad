"""TorchScript and torch.export archives by PyTorch in Slipway's own model server, on CPUs."""

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.model_server import image_of


class TorchRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "torch"
    formats: tuple[str, ...] = ("torch-export", "torchscript")
    without_gpu = "PyTorch computes on CPUs here; a GPU is used by runtime onnxruntime, after {convert: onnx}"
    image: ImageRecipe | None = image_of("requirements-torch.txt")
    image_bytes = 2665 * 2**20
    """2623 MiB, the wheels of server/requirements-torch.txt as the index has them, and an assumption of 42 MiB for
    Python on Debian: PyTorch of PyPI is linked with NVIDIA's libraries and does not load without them."""
    server_start_s: float = 5
    """Rounded up from what was measured on two busy cores, 2026-11-26: 2.7 s, and 4.3 s for a torch.export archive."""
    server_bytes = 768 * 2**20
    """551 MiB were measured with PyTorch imported, and 718 MiB with what reads a torch.export archive."""
