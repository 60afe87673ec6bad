"""The step `average`: the mean of the weights of checkpoints that have one architecture, by NumPy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import onnx
import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from onnx import numpy_helper
from step import Refused, Request, progress, versions

TODO = "Average checkpoints that one training script wrote, in one format."
ALLOWED = "checkpoints of one architecture: the same tensors by name, type and shape"


def run(request: Request) -> dict[str, Any]:
    """Average the source with the checkpoints that the step names, each with the same weight.

    Sums are in float64, tensor by tensor: beside the result no checkpoint is in memory as a whole.

    Raises:
        Refused: the checkpoints differ in the names, types or shapes of their tensors, in their graph, or in a tensor
            of whole numbers, which has no mean; or their format is none of the two.
    """
    names = list(request.step["average"])
    others = [request.file(name) for name in names]
    progress(f"averaging {len(others) + 1} checkpoints")
    settings = {"checkpoints": len(others) + 1, "weights": "equal", "sums": "float64"}
    if request.format == "onnx":
        source = graphs.outline(request.source)
        model = _graphs(request.source, others, names)
        path = graphs.save(model, request.output, apart=graphs.weights_apart(source))
        return graphs.made(settings, versions("numpy", "onnx", "onnxruntime"), graphs.keep_signature(source, path))
    if request.format == "safetensors":
        main = "model.safetensors"
        safetensors.numpy.save_file(_tensors(request.source, others, names), request.output / main)
        made = graphs.made(settings, versions("numpy", "safetensors"), [])
        return {**made, "main": main, "format": "safetensors"}
    raise Refused(
        f"checkpoints of the format {request.format} are not averaged",
        "onnx, safetensors",
        "Put `convert: onnx` before this step, and give the other checkpoints as ONNX files.",
    )


def _graphs(source: Path, others: Sequence[Path], names: Sequence[str]) -> onnx.ModelProto:
    model = graphs.whole(source)
    outlines = [graphs.outline(path) for path in others]
    for name, outline in zip(names, outlines, strict=True):
        if [*map(_plain, model.graph.node)] != [*map(_plain, outline.graph.node)]:
            raise Refused(f"{name} has another graph than the source", ALLOWED, TODO)
        _equal_tensors(_of_graph(model), _of_graph(outline), name)
    weights = [{tensor.name: tensor for tensor in outline.graph.initializer} for outline in outlines]
    for tensor in model.graph.initializer:
        arrays = [
            numpy_helper.to_array(tensors[tensor.name], base_dir=str(path.parent))
            for tensors, path in zip(weights, others, strict=True)
        ]
        mean = _mean([numpy_helper.to_array(tensor), *arrays], tensor.name, names)
        tensor.CopyFrom(numpy_helper.from_array(mean, tensor.name))
    return model


def _tensors(source: Path, others: Sequence[Path], names: Sequence[str]) -> dict[str, NDArray[Any]]:
    files = [_open(path, name) for path, name in zip((source, *others), ("the source", *names), strict=True)]
    first = _of_file(files[0])
    for name, file in zip(names, files[1:], strict=True):
        _equal_tensors(first, _of_file(file), name)
    return {name: _mean([file.get_tensor(name) for file in files], name, names) for name in sorted(first)}


def _open(path: Path, name: str) -> Any:
    try:
        return safetensors.safe_open(path, framework="numpy")
    except (OSError, safetensors.SafetensorError) as error:
        raise Refused(f"{name} is no safetensors file: {error}", ALLOWED, TODO) from error


Tensors = dict[str, tuple[str, tuple[int, ...]]]


def _of_graph(model: onnx.ModelProto) -> Tensors:
    kinds = onnx.TensorProto.DataType
    return {of.name: (kinds.Name(of.data_type), tuple(of.dims)) for of in model.graph.initializer}


def _of_file(file: Any) -> Tensors:
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}


def _equal_tensors(first: Tensors, other: Tensors, name: str) -> None:
    for tensor in sorted(first.keys() | other.keys()):
        if tensor not in other:
            raise Refused(f"{name} has no tensor {tensor}", ALLOWED, TODO)
        if tensor not in first:
            raise Refused(f"{name} has a tensor {tensor}, which the source has not", ALLOWED, TODO)
        if first[tensor] != other[tensor]:
            (kind, shape), (its_kind, its_shape) = first[tensor], other[tensor]
            problem = f"{name} has {tensor} as {its_kind} {list(its_shape)}, but the source as {kind} {list(shape)}"
            raise Refused(problem, ALLOWED, TODO)


def _mean(arrays: Sequence[NDArray[Any]], tensor: str, names: Sequence[str]) -> NDArray[Any]:
    first = arrays[0]
    # ml_dtypes' bfloat16 is a floating type to NumPy by neither kind nor class, but casts as one.
    if first.dtype.kind == "f" or first.dtype.name == "bfloat16":
        return np.mean(arrays, axis=0, dtype=np.float64).astype(first.dtype)
    for name, array in zip(names, arrays[1:], strict=True):
        if not np.array_equal(first, array):
            problem = f"{name} has other whole numbers in {tensor} than the source: they have no mean"
            raise Refused(problem, "equal values in tensors of whole numbers", "Average before quantizing.")
    return first


def _plain(node: onnx.NodeProto) -> bytes:
    """What a node computes, whatever it is called."""
    plain = onnx.NodeProto()
    plain.CopyFrom(node)
    plain.ClearField("name")
    plain.ClearField("doc_string")
    return plain.SerializeToString(deterministic=True)
