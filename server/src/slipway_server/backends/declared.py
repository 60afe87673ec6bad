"""Hold what a loaded model takes and gives against what its lock says, so that no other model is served by mistake."""

from pathlib import Path

from slipway_server.backends.base import ModelError
from slipway_server.values.signature import Signature, Tensor


def held(found: Signature, declared: Signature | None, path: Path) -> Signature:
    """Return the signature of a model, as its lock has it where there is one.

    Raises:
        ModelError: the file has other inputs or outputs than the lock says.
    """
    if declared is None:
        return found
    for what, are, should in (
        ("inputs", found.inputs, declared.inputs),
        ("outputs", found.outputs, declared.outputs),
    ):
        if {tensor.name: tensor for tensor in are} != {tensor.name: tensor for tensor in should}:
            raise ModelError(
                f"{path}: has the {what} {_spelled(are)}, and its lock says {_spelled(should)}; "
                "next: serve the file that was locked, or lock it again (slipway lock)"
            )
    return declared


def needed(declared: Signature | None, path: Path, why: str) -> Signature:
    """Return the signature that the lock says, for files that do not say it; `ModelError` where it is missing."""
    if declared is None:
        raise ModelError(f"{path}: {why}; next: model.signature in the configuration, as slipway lock finds it")
    return declared


def _spelled(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(f"`{tensor.name}` {tensor.dtype} {tensor.shape_text}" for tensor in tensors)
