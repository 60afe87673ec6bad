"""Turn an infer message into arrays, and arrays into the message that answers it.

Tensors come as bytes beside the message, as in binary bodies over HTTP, or as lists of values in it: all of a request
in one way. The answer comes in the same way, but for FP16 and BF16, of which there are no lists.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from slipway_server.protocol.binary import from_binary, to_binary
from slipway_server.protocol.v2 import InferRequest, wanted_outputs
from slipway_server.protocol.v2_inputs import by_name, check_names, check_sizes, parameters_of, shape_of
from slipway_server.rpc.cost import read_cost
from slipway_server.rpc.messages import InferRequestMessage, InferResponseMessage
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array

# Which list of a tensor's contents has the values of a datatype.
_LISTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_OF_LIST = {
    "bool_contents": np.bool_,
    "int_contents": np.int32,
    "int64_contents": np.int64,
    "uint_contents": np.uint32,
    "uint64_contents": np.uint64,
    "fp32_contents": np.float32,
    "fp64_contents": np.float64,
}
_RAW = "raw_input_contents"
# A number in a list, or a text's length before it, has ten bytes at most; a character has four.
_LONGEST_NUMBER, _LONGEST_CHARACTER = 10, 4
_AROUND_TENSOR = 1024


class InferCall:
    """One ModelInfer: its message, read and answered for a model. See `slipway_server.http.service.Form`."""

    def __init__(self, raw: bytes, signature: Signature, name: str, version: str) -> None:
        self.raw = raw
        self._signature = signature
        self._dtypes = {tensor.name: tensor.dtype for tensor in signature.outputs}
        self._name = name
        self._version = version
        self._in_lists = False

    def cost(self) -> int:
        """Return how many bytes of memory reading it takes at most."""
        return read_cost(self.raw)

    def read(self) -> InferRequest:
        """Return the request; BadRequest for anything that the protocol or the model's signature does not allow."""
        try:
            message = InferRequestMessage.FromString(self.raw)
        except DecodeError:
            raise BadRequest("message", "is no ModelInferRequest", "a message in Protocol Buffers") from None
        check_model(message.model_name, message.model_version, self._name, self._version)
        parameters_of({"parameters": _parameters(message)}, "parameters")
        inputs = self._inputs(message)
        named = [{"name": one.name, "parameters": _parameters(one)} for one in message.outputs]
        return InferRequest(message.id, inputs, wanted_outputs(named, self._signature, as_bytes=True))

    def longest(self, outputs: Mapping[str, Array]) -> int:
        """Return how many bytes the answer has at most."""
        size = 0
        for array in outputs.values():
            size += _AROUND_TENSOR + array.nbytes + _LONGEST_NUMBER * array.size
            if array.dtype.kind == "O":
                size += sum(len(text) * (1 if text.isascii() else _LONGEST_CHARACTER) for text in array.flat)
        return size

    def write(self, request: InferRequest, outputs: Mapping[str, Array]) -> bytes:
        """Return the answer."""
        message = InferResponseMessage(model_name=self._name, model_version=self._version, id=request.id or "")
        in_lists = self._in_lists and all(self._dtypes[name] in _LISTS for name in outputs)
        for name, array in outputs.items():
            dtype = self._dtypes[name]
            entry = message.outputs.add(name=name, datatype=dtype, shape=array.shape)
            if not in_lists:
                message.raw_output_contents.append(bytes(to_binary(array, dtype)))
            elif array.dtype.kind == "O":
                entry.contents.bytes_contents.extend(text.encode() for text in array.flat)
            else:
                getattr(entry.contents, _LISTS[dtype]).extend(array.ravel().tolist())
        answer: bytes = message.SerializeToString()
        return answer

    def _inputs(self, message: Any) -> dict[str, Array]:
        entries = by_name([_entry(one) for one in message.inputs], "inputs")
        check_names(entries, self._signature)
        tensors = {one.name: one for one in message.inputs}
        pieces = self._pieces(message)
        arrays: dict[str, Array] = {}
        for tensor in self._signature.inputs:
            if tensor.name not in entries:
                continue
            field = f"inputs.{tensor.name}"
            parameters_of(entries[tensor.name], f"{field}.parameters")
            shape = shape_of(entries[tensor.name], tensor, field)
            if pieces is None:
                arrays[tensor.name] = _of_list(tensors[tensor.name].contents, shape, tensor, f"{field}.contents")
            else:
                place, piece = pieces[tensor.name]
                arrays[tensor.name] = from_binary(memoryview(piece), shape, tensor, place, place)
        check_sizes(arrays, self._signature)
        return arrays

    def _pieces(self, message: Any) -> dict[str, tuple[str, bytes]] | None:
        """Return where the bytes of each input are, and the bytes; None where the values are in lists."""
        count = len(message.raw_input_contents)
        self._in_lists = not count
        if not count:
            return None
        if count != len(message.inputs):
            problem = f"has {count} tensors for {len(message.inputs)} inputs"
            raise BadRequest(_RAW, problem, "as many as inputs, in their order, or none")
        for one in message.inputs:
            if one.HasField("contents"):
                raise BadRequest(f"inputs.{one.name}.contents", f"is there beside {_RAW}", "one of the two")
        names = [one.name for one in message.inputs]
        return {names[i]: (f"{_RAW}[{i}]", piece) for i, piece in enumerate(message.raw_input_contents)}


class UnknownModel(Exception):
    """There is no such model or version here; the message says which there is."""


def check_model(asked: str, asked_version: str, name: str, version: str) -> None:
    """Raise `UnknownModel` unless it is this model that is asked for, and this version or none."""
    if asked != name:
        raise UnknownModel(f"no model {show(asked)} here; this is {name}")
    if asked_version not in ("", version):
        raise UnknownModel(f"no version {show(asked_version)} here; this is {version}")


def _entry(tensor: Any) -> dict[str, Any]:
    """Return an input as the JSON of a request has it, without its data."""
    return {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": list(tensor.shape),
        "parameters": _parameters(tensor),
    }


def _parameters(message: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, parameter in message.parameters.items():
        kind = parameter.WhichOneof("parameter_choice")
        values[key] = None if kind is None else getattr(parameter, kind)
    return values


def _of_list(contents: Any, shape: tuple[int, ...], tensor: Tensor, field: str) -> Array:
    if tensor.dtype not in _LISTS:
        raise BadRequest(field, f"has no list for {tensor.dtype}", f"the tensor as bytes, in {_RAW}")
    name = _LISTS[tensor.dtype]
    for descriptor, _ in contents.ListFields():
        if descriptor.name != name:
            raise BadRequest(f"{field}.{descriptor.name}", f"is there for {tensor.dtype}", name)
    values = getattr(contents, name)
    field = f"{field}.{name}"
    if len(values) != prod(shape):
        raise BadRequest(field, f"has {len(values)} values", f"{prod(shape)} values in row-major order")
    if tensor.dtype == "BYTES":
        return _texts(values, shape, field)
    array: Array = np.fromiter(values, _OF_LIST[name], len(values))
    if array.dtype != tensor.numpy_dtype:
        bounds = np.iinfo(tensor.numpy_dtype)  # type: ignore[type-var]
        odd = np.flatnonzero((array < bounds.min) | (array > bounds.max))
        if odd.size:
            allowed = f"{tensor.dtype} numbers from {bounds.min} to {bounds.max}"
            raise BadRequest(f"{field}[{odd[0]}]", f"is {array[odd[0]]}", allowed)
        array = array.astype(tensor.numpy_dtype)
    return array.reshape(shape)


def _texts(values: Any, shape: tuple[int, ...], field: str) -> Array:
    array = np.empty(len(values), dtype=np.object_)
    for i, value in enumerate(values):
        try:
            array[i] = value.decode()
        except UnicodeDecodeError as error:
            problem = f"has the byte 0x{value[error.start]:02x}, which is not UTF-8"
            raise BadRequest(f"{field}[{i}]", problem, "texts in UTF-8") from None
    return array.reshape(shape)
