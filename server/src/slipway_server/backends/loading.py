"""Load a model with the backend that its configuration names: the only one whose library the image has."""

from pathlib import Path

from slipway_server.backends.base import ModelError, Session
from slipway_server.values.config import ModelSection


def load(model: ModelSection, threads: int, arena_bytes: int | None) -> Session:
    """Load a model.

    Args:
        model: what the configuration says of it.
        threads: how many may work on one operator.
        arena_bytes: memory that its tensors may take, where the backend can be held to it.

    Raises:
        ModelError: no such file, one that the backend cannot load or serve, or the image does not have the backend.
    """
    path = Path(model.path or "")
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    declared = model.signature.signature if model.signature is not None else None
    try:
        match model.backend:
            case "onnxruntime":
                from slipway_server.backends.onnx.session import OnnxSession  # noqa: PLC0415 - see above

                return OnnxSession(path, threads, arena_bytes)
            case "litert":
                from slipway_server.backends.litert import LiteRtSession  # noqa: PLC0415

                return LiteRtSession(path, threads, declared)
            case "sklearn":
                from slipway_server.backends.sklearn import SklearnSession  # noqa: PLC0415

                return SklearnSession(path, threads, declared)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"this image has no backend {model.backend!r} ({error}); next: build it with what that backend needs"
        ) from None
