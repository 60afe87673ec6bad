"""Run a model that takes or gives bfloat16, which numpy does not have: ONNX Runtime's own values carry the bits."""

import ctypes
from collections.abc import Collection, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from slipway_server.values.bfloat16 import from_bits, to_bits
from slipway_server.values.tensors import Array

_TYPE = 16  # TensorProto.BFLOAT16
_NAME = "tensor(bfloat16)"


def run(
    session: ort.InferenceSession,
    outputs: Sequence[str],
    inputs: Mapping[str, Array],
    brief: Collection[str],
    options: ort.RunOptions,
) -> list[Array]:
    """Return the outputs; of bfloat16 as FP32. `brief`: the inputs that are to be bfloat16, FP32 here."""
    bits = {name: to_bits(array) for name, array in inputs.items() if name in brief}  # alive until the run is over
    values = {
        name: ort.OrtValue.ortvalue_from_numpy_with_onnx_type(bits[name], _TYPE)
        if name in bits
        else ort.OrtValue.ortvalue_from_numpy(array)
        for name, array in inputs.items()
    }
    return [_array(value) for value in session.run_with_ort_values(outputs, values, options)]


def _array(value: Any) -> Array:
    if value.data_type() != _NAME:
        return value.numpy()  # type: ignore[no-any-return]
    shape = tuple(value.shape())
    bits = np.frombuffer(ctypes.string_at(value.data_ptr(), 2 * prod(shape)), np.uint16)
    return from_bits(bits.reshape(shape))
