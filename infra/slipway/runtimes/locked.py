"""Runtimes of Slipway's own model server whose files do not say what models take and give: their locks do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway_server.values.signature import Signature, Tensor

from slipway.artifacts.onnx import Fetched, Found
from slipway.artifacts.unread import find_unread
from slipway.runtimes.base import GRPC, TEXT, ImageRecipe, Served
from slipway.runtimes.onnxruntime import IMAGE, OnnxRuntime


def image_of(backend: str, *variables: tuple[str, str]) -> ImageRecipe:
    """How the image of a backend is made; `variables` as in `ImageRecipe`."""
    requirements = f"server/requirements-{backend}.txt"
    return replace(IMAGE, requirements=requirements, extras=(GRPC, TEXT), variables=variables)


class LockedRuntime(OnnxRuntime):
    """What these runtimes have in common; each says its name, formats and image."""

    signature_in_lock = True
    accelerators: tuple[str, ...] = ("cpu",)
    gpu_image_bytes = 0
    gpu_start_s: float = 0

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:  # noqa: ARG002 - never of the cache: a lock comes first
        """One regular file, which is not looked into."""
        return find_unread(path, root, path.name)

    def _served(self, served: Served) -> dict[str, Any]:
        """What the server serves: weights, by this backend, as their lock says."""
        model = {"name": served.name, "version": served.version, "path": served.weights, "backend": self.name}
        return {"model": model | ({} if served.signature is None else {"signature": _section(served.signature)})}


def _section(signature: Signature) -> dict[str, Any]:
    """As `slipway_server.values.config.SignatureSection` reads it."""
    return {"inputs": [*map(_tensor, signature.inputs)], "outputs": [*map(_tensor, signature.outputs)]}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.dtype, "shape": list(tensor.shape)}
