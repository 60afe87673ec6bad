"""Run an ONNX model in Triton's Python backend: its wheel has no backend of ONNX Runtime's own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import triton_python_backend_utils as backend  # type: ignore[import-not-found]  # Triton puts it on the path


class TritonPythonModel:
    """What Triton's Python backend looks for in model.py."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the weights, which lie beside model.py; see Triton's documentation for `args`."""
        config = json.loads(args["model_config"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(config["parameters"]["threads"]["string_value"])
        folder = Path(args["model_repository"]) / args["model_version"]
        path = folder / config["parameters"]["weights"]["string_value"]
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._batched = config["max_batch_size"] > 0
        self._inputs = [(one.name, len(one.shape)) for one in self._session.get_inputs()]
        self._outputs = [one.name for one in self._session.get_outputs()]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Run the requests that Triton batched as one, and give each its own rows."""
        feeds = [self._feeds(request) for request in requests]
        if len(feeds) == 1 or not self._batched:
            return [self._response(self._session.run(self._outputs, one)) for one in feeds]
        whole = {name: np.concatenate([one[name] for one in feeds]) for name, _ in self._inputs}
        first = self._inputs[0][0]
        ends = np.cumsum([len(one[first]) for one in feeds])[:-1]
        parts = [np.split(output, ends) for output in self._session.run(self._outputs, whole)]
        return [self._response([part[index] for part in parts]) for index in range(len(feeds))]

    def _feeds(self, request: Any) -> dict[str, Any]:
        """Its inputs. A model whose rows are single numbers gets them so: Triton knows no rows without a dimension."""
        found = {}
        for name, rank in self._inputs:
            array = backend.get_input_tensor_by_name(request, name).as_numpy()
            found[name] = array.reshape(-1) if self._batched and rank == 1 else array
        return found

    def _response(self, outputs: list[Any]) -> Any:
        rows = [one.reshape(-1, 1) if self._batched and one.ndim == 1 else one for one in outputs]
        tensors = [backend.Tensor(name, row) for name, row in zip(self._outputs, rows, strict=True)]
        return backend.InferenceResponse(tensors)
