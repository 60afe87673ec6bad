"""Load a model with the backend that its configuration names: the only one whose library the image has."""

from pathlib import Path

from slipway_server.backends.base import Gpu, ModelError, NoAccelerator, Session
from slipway_server.values.config import ModelSection

_ON_GPU = ("onnxruntime",)
"""Backends that can compute on a GPU."""


def load(model: ModelSection, threads: int, arena_bytes: int | None) -> Session:
    """Load a model.

    Args:
        model: what the configuration says of it.
        threads: how many may work on one operator.
        arena_bytes: memory that its tensors may take, where the backend can be held to it.

    Raises:
        ModelError: no such file, one that the backend cannot load or serve, or the image does not have the backend.
        NoAccelerator: the model shall compute on a GPU, and there is none that can be used.
    """
    path = Path(model.path or "")
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    gpu = Gpu(model.gpu_memory_bytes) if model.accelerator == "gpu" else None
    if gpu is not None and model.backend not in _ON_GPU:
        raise NoAccelerator(f"backend {model.backend} computes on CPUs", "take resources.gpu out of the spec")
    try:
        match model.backend:
            case "onnxruntime":
                from slipway_server.backends.onnx.session import OnnxSession  # noqa: PLC0415 - see above

                return OnnxSession(path, threads, arena_bytes, gpu)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"this image has no backend {model.backend!r} ({error}); next: build it with what that backend needs"
        ) from None
