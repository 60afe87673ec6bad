"""Runtimes of Slipway's own model server whose files do not say what models take and give: their locks do."""

from pathlib import Path
from typing import Any

from slipway_server.values.signature import Signature, Tensor

from slipway.artifacts.onnx import Fetched, Found
from slipway.artifacts.unread import find_unread
from slipway.runtimes.base import Served
from slipway.runtimes.model_server import ModelServer


class LockedRuntime(ModelServer):
    """What these runtimes have in common; each says its name, formats and image."""

    name: str
    signature_in_lock = True

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:  # noqa: ARG002 - never of the cache: a lock comes first
        """One regular file, which is not looked into."""
        return find_unread(path, root, path.name)

    def _served(self, served: Served) -> dict[str, Any]:
        """What the server serves: weights, by this backend, as their lock says."""
        section = super()._served(served)
        section["model"]["backend"] = self.name
        if served.signature is not None:
            section["model"]["signature"] = _section(served.signature)
        return section


def _section(signature: Signature) -> dict[str, Any]:
    """As `slipway_server.values.config.SignatureSection` reads it."""
    return {"inputs": [*map(_tensor, signature.inputs)], "outputs": [*map(_tensor, signature.outputs)]}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.dtype, "shape": list(tensor.shape)}
