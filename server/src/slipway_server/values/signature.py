"""Describe what a model takes and gives: names, datatypes and shapes of its tensors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

# Open Inference Protocol name -> (ONNX name of the element type, numpy type). ONNX strings are numpy objects. numpy has
# no bfloat16: its numbers are kept as FP32, which has all of them.
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
    "BF16": ("bfloat16", np.dtype(np.float32)),
    "FP16": ("float16", np.dtype(np.float16)),
    "FP32": ("float", np.dtype(np.float32)),
    "FP64": ("double", np.dtype(np.float64)),
    "BYTES": ("string", np.dtype(np.object_)),
}
DATATYPES = tuple(_DATATYPES)
"""The names of all datatypes that the protocol has and this server knows."""
_BY_ONNX = {onnx_name: dtype for dtype, (onnx_name, _) in _DATATYPES.items()}
_ELEMENT = r"tensor\((?:float|float16|double|u?int(?:8|16|32|64)|bool|string)\)"
_MAP = rf"map\((?:string|int64),{_ELEMENT}\)"
_LISTED = re.compile(rf"seq\((?:{_MAP}|{_ELEMENT})\)|{_MAP}")
# Names that exporters give to sizes that they know nothing of.
_NO_SYMBOLS = ("", "?", "None")


@dataclass(frozen=True)
class Tensor:
    """One input or output of a model.

    Attributes:
        name: name in the ONNX graph.
        dtype: datatype by its Open Inference Protocol name: FP32, INT64, BYTES ...; of an output that is no tensor, its
            type in ONNX Runtime's words, such as `seq(map(string,tensor(float)))`.
        shape: one entry per dimension, None where any size is taken; () is a scalar.
        optional: of an input, whether it may be left out of a request.
        symbols: names of the dimensions of any size, None where there is none; () where nothing has a name. Another
            name does not make another tensor.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    optional: bool = False
    symbols: tuple[str | None, ...] = field(default=(), compare=False)

    @property
    def numpy_dtype(self) -> np.dtype[np.generic]:
        """The numpy type that its values have here."""
        return _DATATYPES[self.dtype][1] if self.is_tensor else np.dtype(np.object_)

    @property
    def is_tensor(self) -> bool:
        """Whether the protocol has a datatype for it: not for sequences and maps."""
        return self.dtype in _DATATYPES

    @property
    def shape_text(self) -> str:
        """The shape as messages show it, for example `[any, 1, 8, 8]`."""
        return "[" + ", ".join("any" if size is None else str(size) for size in self.shape) + "]"


@dataclass(frozen=True)
class Signature:
    """All inputs and outputs of a model, in the graph's order, and its ONNX `metadata_props`.

    Inputs that may be left out stand behind the others. `backend`: what computes them, as a configuration names it.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str]
    backend: str = field(default="onnxruntime", compare=False)

    @property
    def platform(self) -> str:
        """Backend and format in the protocol's words, where it has any: `onnxruntime_onnx`."""
        return "onnxruntime_onnx" if self.backend == "onnxruntime" else self.backend

    @cached_property
    def required(self) -> tuple[Tensor, ...]:
        """The inputs that each request has."""
        return tuple(tensor for tensor in self.inputs if not tensor.optional)

    @cached_property
    def shared_sizes(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """Names of sizes that several dimensions of inputs have: for each, inputs and which of their dimensions."""
        found: dict[str, list[tuple[str, int]]] = {}
        for tensor in self.inputs:
            for axis, symbol in enumerate(tensor.symbols):
                if symbol is not None:
                    found.setdefault(symbol, []).append((tensor.name, axis))
        return {symbol: tuple(places) for symbol, places in found.items() if len(places) > 1}


def dtype_of(onnx_name: str) -> str:
    """Return the Open Inference Protocol name of an ONNX element type.

    Args:
        onnx_name: `float`, `int64`, `string` ...: what ONNX Runtime writes as `tensor(float)`, and
            `onnx.TensorProto.DataType.Name(elem_type).lower()`.

    Raises:
        ValueError: the protocol has no such type (complex, 8-bit floats, 4-bit integers, sequences, maps).
    """
    if onnx_name not in _BY_ONNX:
        raise ValueError(f"element type {onnx_name!r} cannot be served; allowed: tensors of {', '.join(_BY_ONNX)}")
    return _BY_ONNX[onnx_name]


def dtype_of_numpy(dtype: np.dtype[Any]) -> str:
    """Return the Open Inference Protocol name of a numpy type, for libraries whose tensors numpy has.

    Raises:
        ValueError: the protocol has no such type.
    """
    for name, (_, known) in _DATATYPES.items():
        if known == dtype and name != "BF16":
            return name
    allowed = ", ".join(str(known) for _, known in _DATATYPES.values() if known != np.dtype(np.object_))
    raise ValueError(f"element type {str(dtype)!r} cannot be served; allowed: tensors of {allowed}")


def listed_type(onnx_type: str) -> str:
    """Return the type of an output that is a sequence or a map, as ONNX Runtime writes it, if it can be served.

    Raises:
        ValueError: it cannot: a sequence of sequences, an optional output, sparse tensors.
    """
    if not _LISTED.fullmatch(onnx_type):
        allowed = "tensors, sequences of tensors or of maps, and maps from text or whole numbers to tensors' types"
        raise ValueError(f"type {onnx_type!r} cannot be served; allowed: {allowed}")
    return onnx_type


def symbols_of(names: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Return the names of dimensions that say something; () if none does."""
    said = tuple(None if name in _NO_SYMBOLS else name for name in names)
    return said if any(said) else ()
