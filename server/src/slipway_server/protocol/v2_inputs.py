"""Read the inputs of a V2 request: a list with name, datatype, shape and data of each tensor."""

from collections.abc import Mapping
from math import prod
from typing import Any

from slipway_server.protocol.binary import from_binary
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array, check_shape, flatten, from_flat

# Parameters of Triton's classification and shared memory extensions: they change what comes back, or say that the
# data is elsewhere. Others mean nothing here and are passed over.
_REFUSED_PARAMETERS = ("classification", "shared_memory_region")
NO_BYTES = memoryview(b"")
_SIZE = "binary_data_size"


def read_inputs(value: object, signature: Signature, binary: memoryview = NO_BYTES) -> dict[str, Array]:
    """Return one array per input of the model.

    Args:
        value: the list of a request's `inputs`; keys that the protocol does not have are passed over.
        signature: what the model takes.
        binary: the bytes after the JSON; inputs with `binary_data_size` take theirs from it, in the list's order.

    Raises:
        BadRequest: anything that the protocol or the model's signature does not allow.
    """
    entries = by_name(value, "inputs")
    check_names(entries, signature)
    pieces = _pieces(entries, binary)
    arrays = {
        t.name: _tensor(entries[t.name], t, pieces.get(t.name), f"inputs.{t.name}")
        for t in signature.inputs
        if t.name in entries
    }
    check_sizes(arrays, signature)
    return arrays


def check_names(given: Mapping[str, object], signature: Signature) -> None:
    """Raise BadRequest unless exactly the model's inputs are given, but for those that may be left out."""
    wanted = {tensor.name for tensor in signature.inputs}
    for name in given:
        if name not in wanted:
            raise BadRequest(f"inputs.{name}"[:100], "is no input of this model", ", ".join(sorted(wanted)))
    for tensor in signature.required:
        if tensor.name not in given:
            names = ", ".join(sorted(tensor.name for tensor in signature.required))
            raise BadRequest(f"inputs.{tensor.name}", "is missing", f"all of {names}")


def check_sizes(arrays: Mapping[str, Array], signature: Signature) -> None:
    """Raise BadRequest if dimensions that have one name in the model are of different sizes."""
    for symbol, places in signature.shared_sizes.items():
        sizes = [(name, axis, arrays[name].shape[axis]) for name, axis in places if name in arrays]
        for name, axis, size in sizes[1:]:
            first, at, wanted = sizes[0]
            if size != wanted:
                problem = f"has {size} in dimension {axis}, and `inputs.{first}` has {wanted} in dimension {at}"
                raise BadRequest(f"inputs.{name}", problem, f"one size for all that the model calls `{symbol}`")


def by_name(value: object, field: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a list by their names; BadRequest if one has none or two have the same."""
    if not isinstance(value, list) or not value:
        raise BadRequest(field, f"is {show(value)}", "a list with one object per tensor")
    entries: dict[str, dict[str, Any]] = {}
    for i, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise BadRequest(f"{field}[{i}]", f"is {show(entry)}", "an object with the `name` of a tensor")
        name = entry.get("name")
        if not isinstance(name, str):
            raise BadRequest(f"{field}[{i}].name", f"is {show(name)}", "the name of a tensor")
        if name in entries:
            raise BadRequest(f"{field}[{i}].name", f"is {show(name)} for the second time", "each name once")
        entries[name] = entry
    return entries


def parameters_of(entry: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Return the `parameters` of an object of the request; BadRequest if they ask for what is not there."""
    parameters = entry.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise BadRequest(field, f"is {show(parameters)}", "an object")
    for key in _REFUSED_PARAMETERS:
        if parameters.get(key) not in (None, False, 0):
            raise BadRequest(f"{field}.{key}", f"is {show(parameters[key])}", "tensors in the body: leave it out")
    return parameters


def _pieces(entries: Mapping[str, dict[str, Any]], binary: memoryview) -> dict[str, memoryview]:
    """Return the bytes of each input that is sent as bytes."""
    pieces: dict[str, memoryview] = {}
    taken = 0
    for name, entry in entries.items():
        if "parameters" not in entry:
            continue
        field = f"inputs.{name}.parameters"
        size = parameters_of(entry, field).get(_SIZE)
        if size is None:
            continue
        if type(size) is not int or size < 0:
            raise BadRequest(f"{field}.{_SIZE}", f"is {show(size)}", "a number of bytes")
        if size > binary.nbytes - taken:
            allowed = f"the {binary.nbytes - taken} bytes that are left after the JSON, whose length is the header "
            raise BadRequest(f"{field}.{_SIZE}", f"is {size}", allowed + "`Inference-Header-Content-Length`")
        pieces[name] = binary[taken : taken + size]
        taken += size
    if taken != binary.nbytes:
        problem = f"has {binary.nbytes - taken} bytes after the JSON that are of no input"
        raise BadRequest("body", problem, f"as many as all {_SIZE} together")
    return pieces


def shape_of(entry: Mapping[str, Any], tensor: Tensor, field: str) -> tuple[int, ...]:
    """Return the shape that a request says of an input; BadRequest unless `tensor` takes it, and its datatype."""
    if entry.get("datatype") != tensor.dtype:
        raise BadRequest(f"{field}.datatype", f"is {show(entry.get('datatype'))}", tensor.dtype)
    given = entry.get("shape")
    if not isinstance(given, list) or any(type(size) is not int or size < 0 for size in given):
        raise BadRequest(f"{field}.shape", f"is {show(given)}", f"a list of sizes: {tensor.shape_text}")
    shape = tuple(given)
    check_shape(shape, tensor, f"{field}.shape")
    return shape


def _tensor(entry: Mapping[str, Any], tensor: Tensor, piece: memoryview | None, field: str) -> Array:
    shape = shape_of(entry, tensor, field)
    data = entry.get("data")
    if piece is None:
        return _of_json(data, shape, tensor, f"{field}.data")
    if data is not None:
        raise BadRequest(f"{field}.data", f"is {show(data)} beside {_SIZE}", "one of the two")
    return from_binary(piece, shape, tensor, field)


def _of_json(data: object, shape: tuple[int, ...], tensor: Tensor, field: str) -> Array:
    if data is None:
        raise BadRequest(field, "is missing", "the tensor's values as a JSON array")
    allowed = f"{prod(shape)} values in row-major order, flat or nested as the shape {list(shape)}"
    if not isinstance(data, list):
        raise BadRequest(field, f"is {show(data)}", allowed)
    nested, flat = flatten(data, field, max(1, len(shape)), allowed)
    whole = nested == shape or not flat
    if len(flat) != prod(shape) or (len(nested) > 1 and not whole):
        raise BadRequest(field, f"has {len(flat)} values of the shape {list(nested)}", allowed)
    return from_flat(flat, shape, tensor, field)
