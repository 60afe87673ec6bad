"""Describe the model as Triton's extensions of the protocol do: its configuration, and the repository of one model."""

from typing import Any

from slipway_server.values.signature import Signature, Tensor

# What GET /v2 says is there beyond the protocol itself. The index of the repository is there too, for clients that
# look for it; its extension would promise that models can be loaded and unloaded.
EXTENSIONS = ("binary_tensor_data", "model_configuration", "statistics")
_TYPES = {"BYTES": "TYPE_STRING"}


def model_config(name: str, signature: Signature) -> dict[str, Any]:
    """Return the answer of GET /v2/models/{name}/config.

    `max_batch_size` 0 says that `dims` are whole shapes: how many rows the server puts together is its own affair.
    """
    return {
        "name": name,
        "platform": signature.platform,
        "backend": signature.backend,
        "max_batch_size": 0,
        "input": [_describe(tensor) for tensor in signature.inputs],
        "output": [_describe(tensor) for tensor in signature.outputs if tensor.is_tensor],
    }


def repository_index(name: str, version: str, ready: bool) -> list[dict[str, str]]:
    """Return the answer of POST /v2/repository/index."""
    return [{"name": name, "version": version, "state": "READY" if ready else "UNAVAILABLE", "reason": ""}]


def _describe(tensor: Tensor) -> dict[str, Any]:
    dims = [-1 if size is None else size for size in tensor.shape]
    described = {"name": tensor.name, "data_type": _TYPES.get(tensor.dtype, f"TYPE_{tensor.dtype}"), "dims": dims}
    return described | {"optional": True} if tensor.optional else described
