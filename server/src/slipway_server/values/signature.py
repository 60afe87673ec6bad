"""Describe what a model takes and gives: names, datatypes and shapes of its tensors."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# Open Inference Protocol name -> (ONNX name of the element type, numpy type). ONNX strings are numpy objects.
_DATATYPES: Mapping[str, tuple[str, np.dtype[np.generic]]] = {
    "BOOL": ("bool", np.dtype(np.bool_)),
    "UINT8": ("uint8", np.dtype(np.uint8)),
    "UINT16": ("uint16", np.dtype(np.uint16)),
    "UINT32": ("uint32", np.dtype(np.uint32)),
    "UINT64": ("uint64", np.dtype(np.uint64)),
    "INT8": ("int8", np.dtype(np.int8)),
    "INT16": ("int16", np.dtype(np.int16)),
    "INT32": ("int32", np.dtype(np.int32)),
    "INT64": ("int64", np.dtype(np.int64)),
    "FP16": ("float16", np.dtype(np.float16)),
    "FP32": ("float", np.dtype(np.float32)),
    "FP64": ("double", np.dtype(np.float64)),
    "BYTES": ("string", np.dtype(np.object_)),
}
_BY_ONNX = {onnx_name: dtype for dtype, (onnx_name, _) in _DATATYPES.items()}


@dataclass(frozen=True)
class Tensor:
    """One input or output of a model.

    Attributes:
        name: name in the ONNX graph.
        dtype: datatype by its Open Inference Protocol name: FP32, INT64, BYTES ...
        shape: one entry per dimension, None where any size is taken; () is a scalar.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def numpy_dtype(self) -> np.dtype[np.generic]:
        """The numpy type that ONNX Runtime takes and gives for this tensor."""
        return _DATATYPES[self.dtype][1]

    @property
    def shape_text(self) -> str:
        """The shape as messages show it, for example `[any, 1, 8, 8]`."""
        return "[" + ", ".join("any" if size is None else str(size) for size in self.shape) + "]"


@dataclass(frozen=True)
class Signature:
    """All inputs and outputs of a model, in the graph's order, and its ONNX `metadata_props`."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str]


def dtype_of(onnx_name: str) -> str:
    """Return the Open Inference Protocol name of an ONNX element type.

    Args:
        onnx_name: `float`, `int64`, `string` ...: what ONNX Runtime writes as `tensor(float)`, and
            `onnx.TensorProto.DataType.Name(elem_type).lower()`.

    Raises:
        ValueError: the protocol has no such type (bfloat16, complex, 8-bit floats, sequences, maps).
    """
    if onnx_name not in _BY_ONNX:
        listed = onnx_name.startswith(("seq(", "map("))
        hint = " (a classifier of scikit-learn is exported with zipmap=False)" if listed else ""
        raise ValueError(
            f"element type {onnx_name!r} cannot be served; allowed: tensors of {', '.join(_BY_ONNX)}{hint}"
        )
    return _BY_ONNX[onnx_name]
