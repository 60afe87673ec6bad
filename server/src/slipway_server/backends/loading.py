"""Load a model with the backend that its configuration names: the only one whose library the image has."""

from importlib import import_module
from pathlib import Path

from slipway_server.backends.base import Gpu, ModelError, NoAccelerator, Session
from slipway_server.values.config import ModelSection

_ON_GPU = ("onnxruntime",)
"""Backends that can compute on a GPU."""


def prepare(model: ModelSection) -> None:
    """Import a large library, so that its memory counts among what the server takes, not in the model's share of it.

    Raises:
        ModelError: the image does not have it.
    """
    path = Path(model.path or "")
    try:
        match model.backend:
            case "tensorflow":
                import_module("slipway_server.backends.tensorflow")
            case "torch":
                from slipway_server.backends.torch.session import prepare as prepare_for  # noqa: PLC0415

                prepare_for(path)
    except ModuleNotFoundError as error:
        raise _missing(model, error) from None


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
            case "litert":
                from slipway_server.backends.litert import LiteRtSession  # noqa: PLC0415

                return LiteRtSession(path, threads, model.declared)
            case "sklearn":
                from slipway_server.backends.sklearn import SklearnSession  # noqa: PLC0415

                return SklearnSession(path, threads, model.declared)
            case "tensorflow":
                from slipway_server.backends.tensorflow import TensorflowSession  # noqa: PLC0415

                return TensorflowSession(path, threads, model.declared, arena_bytes)
            case "torch":
                from slipway_server.backends.torch.session import TorchSession  # noqa: PLC0415

                return TorchSession(path, threads, model.declared, arena_bytes)
    except ModuleNotFoundError as error:
        raise _missing(model, error) from None


def _missing(model: ModelSection, error: ModuleNotFoundError) -> ModelError:
    return ModelError(
        f"this image has no backend {model.backend!r} ({error}); next: build it with what that backend needs"
    )
