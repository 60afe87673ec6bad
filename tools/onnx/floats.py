"""Numbers in 16 bits: float16 by ONNX Runtime's converter; bfloat16 for storage, widened when the model is loaded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_dtypes
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from step import Refused

LEAST_OPSET = 13  # Cast knows bfloat16 since then: onnx docs/Operators.md
LEAST_NUMBERS = 256
"""Smaller weights stay float32: a Cast node would take as many bytes as it saves."""

Converted = tuple[onnx.ModelProto, dict[str, Any], str]


def float16(model: onnx.ModelProto, exclude: Sequence[str]) -> Converted:
    """Weights and activations in float16; inputs and outputs keep their types."""
    result = convert_float_to_float16(model, keep_io_types=True, node_block_list=list(exclude))
    note = "a CPU without float16 units computes in float32 all the same: half the bytes, rarely less time"
    return result, {"inputs_and_outputs": "as they were", "largest": 65504.0}, note


def bfloat16(model: onnx.ModelProto, exclude: Sequence[str]) -> Converted:
    """Weights stored as bfloat16, and widened to float32 by a Cast that ONNX Runtime folds when it loads the file.

    ONNX Runtime has next to no operator for bfloat16 on a CPU, so a graph that computes in it would not load there.
    """
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < LEAST_OPSET:
        raise Refused(
            f"the graph has opset {opset}, in which no operator knows bfloat16",
            f"opset {LEAST_OPSET} or later",
            "Export the model with a later opset.",
        )
    kept = {name for node in model.graph.node if node.name in set(exclude) for name in node.input}
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or array.size < LEAST_NUMBERS or tensor.name in kept:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(ml_dtypes.bfloat16), f"{name}_bf16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], f"{name}_widened", to=TensorProto.FLOAT))
    if not casts:
        raise Refused(
            "nothing was stored as bfloat16: the graph has no large float32 weights",
            f"float32 weights of {LEAST_NUMBERS} numbers or more that are not excluded",
            "Exclude less, or leave the step out.",
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for value in [value for value in model.graph.input if value.name in {cast.output[0] for cast in casts}]:
        model.graph.input.remove(value)
    note = f"{len(casts)} weights are stored in half the bytes; computation and its memory stay those of float32"
    return model, {"computes_in": "float32", "smallest_weight": LEAST_NUMBERS}, note


WAYS: Mapping[str, Callable[[onnx.ModelProto, Sequence[str]], Converted]] = {"fp16": float16, "bf16": bfloat16}
