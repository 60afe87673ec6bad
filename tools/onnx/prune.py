"""The step `prune: magnitude`: the smallest weights of each layer become zero, and what that really saves."""

from typing import Any

import graphs
import numpy as np
import savings
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, numpy_helper
from step import Refused, Request, progress, versions

LAYERS = frozenset(("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"))
FLOATS = frozenset((TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE))


def run(request: Request) -> dict[str, Any]:
    """Zero the share of each layer's weights that is smallest in magnitude; biases stay.

    Raises:
        Refused: no layer has constant floating-point weights, the signature would change, or the result does not load.
    """
    share = float(request.step["share"])
    source = graphs.outline(request.source)
    model = graphs.whole(request.source)
    names = _weights(model)
    if not names:
        raise Refused(
            "nothing can be pruned: no layer has constant weights of floating-point numbers",
            f"weights of {', '.join(sorted(LAYERS))}",
            "Prune before quantizing, or leave the step out.",
        )
    progress(f"zeroing {share:.0%} of {len(names)} weights")
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.CopyFrom(numpy_helper.from_array(_pruned(numpy_helper.to_array(tensor), share), tensor.name))
    path = graphs.save(model, request.output, apart=graphs.weights_apart(source))
    dropped = graphs.keep_signature(source, path)
    settings = {"prune": "magnitude", "share": share, "each": "layer", "weights": sorted(names)}
    note = savings.words(graphs.files(request.source), graphs.files(path), zeros=True)
    return graphs.made(settings, versions("numpy", "onnx", "onnxruntime"), [note, *dropped])


def _weights(model: ModelProto) -> set[str]:
    constants = {
        tensor.name for tensor in model.graph.initializer if tensor.data_type in FLOATS and len(tensor.dims) > 1
    }
    return {name for node in model.graph.node if node.op_type in LAYERS for name in node.input[1:]} & constants


def _pruned(array: NDArray[Any], share: float) -> NDArray[Any]:
    sizes = np.abs(array)
    return np.where(sizes < np.quantile(sizes, share, method="higher"), 0, array).astype(array.dtype)
