"""Load a model as the model server does, and run it: ONNX by ONNX Runtime, TFLite by LiteRT."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

_LOG_FATAL_ONLY = 4
_ONNX = {
    "bool": "bool", "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8",
    "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "float16": "float16", "float": "float32",
    "double": "float64", "string": "str",
}  # fmt: skip
"""ONNX Runtime's word for the type of a tensor's elements, and numpy's."""


@dataclass(frozen=True)
class Tensor:
    """One input or output: `dtype` by numpy's name (`str` for text), None in `shape` where any size is taken."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class Engine(Protocol):
    """A loaded model."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer one request; what goes wrong is an exception of the library's own."""


class OnnxEngine:
    """ONNX Runtime with the settings of the model server (server/src/slipway_server/backends/onnx/session.py)."""

    def __init__(self, path: Path, threads: int) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library is loaded
        import onnxruntime as ort  # noqa: PLC0415 - a process measures the memory of one engine, not of both

        ort.set_default_logger_severity(_LOG_FATAL_ONLY)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(map(_onnx_tensor, self._session.get_inputs()))
        every = tuple(map(_onnx_tensor, self._session.get_outputs()))
        # Sequences and maps are no arrays; the server does not serve them either.
        self.outputs = tuple(tensor for tensor in every if tensor.dtype)
        self._names = [tensor.name for tensor in self.outputs]

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer one request."""
        return dict(zip(self._names, self._session.run(self._names, dict(arrays)), strict=True))


class LiteRtEngine:
    """LiteRT's interpreter, by the model's first signature where it has one, else by the names of its tensors."""

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - see OnnxEngine

        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        signatures = self._interpreter.get_signature_list()
        if signatures:
            self._runner = self._interpreter.get_signature_runner(next(iter(signatures)))
            inputs, outputs = self._runner.get_input_details(), self._runner.get_output_details()
        else:
            self._runner = None
            inputs = {_plain(each["name"]): each for each in self._interpreter.get_input_details()}
            outputs = {_plain(each["name"]): each for each in self._interpreter.get_output_details()}
        self._places = {name: each["index"] for name, each in {**inputs, **outputs}.items()}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.inputs = tuple(_lite_tensor(name, each) for name, each in inputs.items())
        self.outputs = tuple(_lite_tensor(name, each) for name, each in outputs.items())

    def run(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Answer one request; tensors are laid out anew when its shapes are others than those of the last one."""
        if self._runner is not None:
            return dict(self._runner(**arrays))
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != self._shapes:
            for name, shape in shapes.items():
                self._interpreter.resize_tensor_input(self._places[name], shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        for name, array in arrays.items():
            self._interpreter.set_tensor(self._places[name], array)
        self._interpreter.invoke()
        return {tensor.name: self._interpreter.get_tensor(self._places[tensor.name]) for tensor in self.outputs}


def load(path: Path, kind: str, threads: int) -> Engine:
    """Load a model of format `onnx` or `tflite`; what goes wrong is an exception of the library's own."""
    return LiteRtEngine(path, threads) if kind == "tflite" else OnnxEngine(path, threads)


def _onnx_tensor(node: object) -> Tensor:
    inner = node.type.removeprefix("tensor(").removesuffix(")") if node.type.startswith("tensor(") else ""
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in node.shape or ())
    return Tensor(node.name, _ONNX.get(inner, ""), shape)


def _lite_tensor(name: str, details: Mapping[str, object]) -> Tensor:
    shape = tuple(int(size) if size >= 0 else None for size in details.get("shape_signature", details["shape"]))
    return Tensor(name, np.dtype(details["dtype"]).name, shape)


def _plain(name: str) -> str:
    """The name that a tensor had before TensorFlow's exporter wrote `serving_default_NAME:0`."""
    return name.removeprefix("serving_default_").split(":", 1)[0]
