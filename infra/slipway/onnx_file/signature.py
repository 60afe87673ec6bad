"""Read the signature of an ONNX file: its inputs and outputs, with the shapes that its graph lets infer."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from google.protobuf.message import EncodeError
from onnx import ModelProto, TensorProto, TypeProto, ValueInfoProto
from onnx.shape_inference import InferenceError, infer_shapes
from slipway_server.values.signature import Signature, Tensor, dtype_of, listed_type, symbols_of

from slipway.onnx_file.parts import initializers
from slipway.reading.files import BadFile

_ALLOWED = "inputs and outputs that are tensors, inputs of a known rank"
_REPLACED_SINCE = 4
"""The IR version since which a weight that is listed as an input may be replaced."""
_KEPT_BYTES = 4096
"""Weights above that say nothing about shapes, and inference would copy them."""
_HINTS = {
    "sequence_type": "export it with tensors (a classifier of scikit-learn with zipmap=False)",
    "map_type": "export it with tensors (a classifier of scikit-learn with zipmap=False)",
    "optional_type": "export it with a tensor that is always given, or has a default (an initializer of its name)",
    "sparse_tensor_type": "export it with a dense tensor",
}


def signature(model: ModelProto) -> Signature:
    """Return the signature of a file, whose large weights are removed from `model` where shapes must be inferred.

    Outputs that the file declares without a shape get the one that the graph gives them, as ONNX Runtime does it;
    `()` where it gives none, which the runtime says as well.

    Raises:
        BadFile: an input or output that no server of the protocol can take or give.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    # Weights may be listed as inputs: before IR version 4 all were, since then those are that a caller may replace.
    given_ones = (_input(value) for value in model.graph.input if value.name not in weights)
    inputs = (*sorted(given_ones, key=lambda tensor: tensor.optional), *_replaceable(model, weights))
    given = _inferred(model) if any(map(_vague, model.graph.output)) else {}
    outputs = tuple(_output(given.get(value.name, value)) for value in model.graph.output)
    return Signature(inputs, outputs, {_text(entry.key): _text(entry.value) for entry in model.metadata_props})


def _vague(value: ValueInfoProto) -> bool:
    """Whether a file leaves it to the graph what an output is."""
    tensor = value.type.tensor_type
    kind = value.type.WhichOneof("value")
    return kind is None or (kind == "tensor_type" and not (tensor.elem_type and tensor.HasField("shape")))


def _inferred(model: ModelProto) -> dict[str, ValueInfoProto]:
    """What the graph makes of each output; what the file says where inference does not come through."""
    for tensor in initializers(model):
        if len(tensor.raw_data) > _KEPT_BYTES:
            tensor.ClearField("raw_data")
    try:
        found = infer_shapes(model, check_type=False, strict_mode=False, data_prop=True)
    except (InferenceError, EncodeError, ValueError):
        return {}
    return {value.name: value for value in found.graph.output}


def _input(value: ValueInfoProto) -> Tensor:
    """An input; one of an optional type may be left out."""
    element = value.type.optional_type.elem_type
    if value.type.WhichOneof("value") != "optional_type" or element.WhichOneof("value") != "tensor_type":
        return _tensor(value, "input")
    return replace(_tensor(ValueInfoProto(name=value.name, type=element), "input"), optional=True)


def _replaceable(model: ModelProto, weights: Collection[str]) -> Iterator[Tensor]:
    """Weights that a request may replace, by name, of types that can be sent."""
    if model.ir_version < _REPLACED_SINCE:
        return
    for value in sorted(model.graph.input, key=lambda value: value.name):
        if value.name in weights:
            try:
                yield replace(_tensor(value, "input"), optional=True)
            except BadFile:
                continue  # of a type that no request has


def _output(value: ValueInfoProto) -> Tensor:
    if value.type.WhichOneof("value") in ("sequence_type", "map_type"):
        try:
            return Tensor(_text(value.name), listed_type(_words(value.type)), ())
        except ValueError as error:
            todo = _HINTS["sequence_type"]
            raise BadFile(f"has the output {value.name!r}: {error}", _ALLOWED, todo) from None
    return replace(_tensor(value, "output"), symbols=())


def _words(kind: TypeProto) -> str:
    """A type as ONNX Runtime writes it: `seq(map(string,tensor(float)))`."""
    match kind.WhichOneof("value"):
        case "sequence_type":
            return f"seq({_words(kind.sequence_type.elem_type)})"
        case "map_type":
            key = TensorProto.DataType.Name(kind.map_type.key_type).lower()
            return f"map({key},{_words(kind.map_type.value_type)})"
        case "tensor_type":
            return f"tensor({TensorProto.DataType.Name(kind.tensor_type.elem_type).lower()})"
        case other:
            return str(other)


def _tensor(value: ValueInfoProto, role: str) -> Tensor:
    name, kind = _text(value.name), value.type.WhichOneof("value")
    if kind != "tensor_type":
        todo = _HINTS.get(kind or "", "export it with the types of its outputs")
        if role == "input" and kind in ("sequence_type", "map_type"):
            todo = "export it with one input for each tensor"
        raise BadFile(f"has the {role} {name!r} of type {kind or 'nothing'}", _ALLOWED, todo)
    tensor: TypeProto.Tensor = value.type.tensor_type
    if role == "input" and not tensor.HasField("shape"):
        raise BadFile(f"has the input {name!r} of unknown rank", _ALLOWED, "export it with shapes")
    try:
        dtype = dtype_of(TensorProto.DataType.Name(tensor.elem_type).lower())
    except ValueError as error:
        raise BadFile(f"has the {role} {name!r}: {error}", _ALLOWED, "export it with another type") from None
    dims = tuple(d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None for d in tensor.shape.dim)
    names = tuple(_text(d.dim_param) if d.HasField("dim_param") else None for d in tensor.shape.dim)
    return Tensor(name, dtype, dims, symbols=symbols_of(names))


def _text(value: str | bytes) -> str:
    """A string of the file; protobuf gives bytes where it is not UTF-8."""
    if isinstance(value, bytes):
        raise BadFile(f"has {value!r} for a text", "an ONNX file with names in UTF-8", "export the model again")
    return value
