"""NVIDIA's Triton Inference Server: a model repository with config.pbtxt."""

import math
from typing import Any

from slipway_server.values.signature import Tensor

from slipway.catalog.pod_contract import SERVER_PORT
from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.runtimes.others.base import PACKAGE, OpenInference, Wanted, wheels_recipe
from slipway.runtimes.others.text_format import Name, text_format

_PLATFORMS = {"amd64": "x86_64-manylinux_2_35", "arm64": "aarch64-manylinux_2_35"}
"""Its wheel needs glibc 2.35, which Debian 12 has."""
_VERSION = 1
"""Of the model in its repository: a release has one version, and Triton's are whole numbers."""
_MODEL = f'''"""What Triton runs: {PACKAGE} finds the weights beside this file."""

import os
import sys

# Triton's Python takes no path from its environment.
sys.path += os.environ["PYTHONPATH"].split(os.pathsep)

from {PACKAGE}.triton_model import TritonPythonModel  # noqa: E402

__all__ = ["TritonPythonModel"]
'''


class TritonRuntime(OpenInference):
    """Its wheel has the Python backend only, in which ONNX Runtime runs; an image of NVIDIA's has one of its own."""

    name = "triton"
    image: ImageRecipe | None = wheels_recipe("triton", _PLATFORMS)
    image_bytes = 150 * 2**20
    server_start_s: float = 3
    program = ("tritonserver",)

    def files(self, wanted: Wanted) -> dict[str, str]:
        """The repository: config.pbtxt, and model.py for the Python backend."""
        files = {f"{wanted.name}/config.pbtxt": text_format(_config(wanted))}
        return files | ({f"{wanted.name}/{_VERSION}/model.py": _MODEL} if wanted.built else {})

    def weights_path(self, wanted: Wanted) -> str:
        """Beside its version, as every backend looks for it."""
        return f"{wanted.name}/{_VERSION}/{wanted.weights}"

    def arguments(self, wanted: Wanted) -> list[str]:
        """One model, loaded at the start and never by a call; a stop waits for what is being computed."""
        return [
            f"--model-repository={WEIGHTS_FOLDER}",
            "--model-control-mode=none",
            "--disable-auto-complete-config",
            f"--http-port={SERVER_PORT}",
            "--allow-grpc=false",
            f"--metrics-port={self.metrics_port}",
            f"--exit-timeout-secs={math.ceil(wanted.timeout_s)}",
            *wanted.extra,
        ]


def _config(wanted: Wanted) -> dict[str, Any]:
    """The message ModelConfig of Triton's model_config.proto."""
    tensors = [*wanted.signature.inputs, *wanted.signature.outputs]
    # Rows of several requests make one run only where the first dimension of everything is free.
    batched = wanted.max_rows > 1 and all(one.shape[:1] == (None,) for one in tensors)
    batching = {"max_queue_delay_microseconds": round(wanted.max_wait_s * 1e6)}
    return {
        "name": wanted.name,
        "backend": "python" if wanted.built else "onnxruntime",
        "default_model_filename": None if wanted.built else wanted.weights,
        "max_batch_size": wanted.max_rows if batched else 0,
        "input": [_tensor(one, batched, wanted.built) for one in wanted.signature.inputs],
        "output": [_tensor(one, batched, wanted.built) for one in wanted.signature.outputs],
        "dynamic_batching": batching if batched else None,
        "instance_group": {"count": 1, "kind": Name("KIND_CPU" if wanted.built else "KIND_AUTO")},
        "version_policy": {"specific": {"versions": [_VERSION]}},
        "parameters": [
            _parameter("weights", wanted.weights),
            _parameter("threads", str(wanted.threads)),
        ]
        if wanted.built
        else [_parameter("intra_op_thread_count", str(wanted.threads))],
    }


def _parameter(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"string_value": value}}


def _tensor(tensor: Tensor, batched: bool, built: bool) -> dict[str, Any]:
    """An input or output; with batching, the first dimension is not said, and a row has one dimension at least."""
    shape = tensor.shape[1:] if batched else tensor.shape
    dims = [-1 if size is None else size for size in shape]
    dtype = "STRING" if tensor.dtype == "BYTES" else tensor.dtype
    entry: dict[str, Any] = {"name": tensor.name, "data_type": Name(f"TYPE_{dtype}"), "dims": dims or [1]}
    if not dims and not built:
        # The model's own rows are single numbers; the Python backend of an image of ours makes them so itself.
        entry["reshape"] = {}
    return entry
