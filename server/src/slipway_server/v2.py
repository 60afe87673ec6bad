"""Speak the JSON of the Open Inference Protocol V2: read infer requests, write metadata and answers."""

from dataclasses import dataclass
from math import prod
from typing import Any

from slipway_server.batching import Batching
from slipway_server.errors import BadRequest, show
from slipway_server.request import check_names
from slipway_server.signature import Signature, Tensor
from slipway_server.tensors import Array, check_shape, flatten, from_flat, to_json

_REQUEST_KEYS = frozenset({"id", "parameters", "inputs", "outputs"})
_INPUT_KEYS = frozenset({"name", "shape", "datatype", "parameters", "data"})
_OUTPUT_KEYS = frozenset({"name", "parameters"})
# Parameters of the binary tensor data extension and of Triton's classification extension: they change how
# tensors are sent or what comes back. Others mean nothing here and are passed over.
_REFUSED_PARAMETERS = ("binary_data_size", "binary_data", "binary_data_output", "classification")


@dataclass(frozen=True)
class InferRequest:
    """A checked infer request: its id if it had one, arrays by input name, outputs wanted in order."""

    id: str | None
    inputs: dict[str, Array]
    outputs: tuple[str, ...]


def parse_infer(body: object, signature: Signature) -> InferRequest:
    """Return the request in a V2 infer body.

    Raises:
        BadRequest: anything that the protocol or the model's signature does not allow.
    """
    document = _object(body, "body", _REQUEST_KEYS)
    request_id = document.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise BadRequest("id", f"is {show(request_id)}", "a string")
    _check_parameters(document, "parameters")
    entries = _by_name(document.get("inputs"), "inputs", _INPUT_KEYS)
    check_names(entries, signature)
    inputs = {t.name: _tensor(entries[t.name], t, f"inputs.{t.name}") for t in signature.inputs}
    return InferRequest(request_id, inputs, _wanted_outputs(document, signature))


def output_entry(array: Array, name: str, dtype: str) -> dict[str, Any]:
    """Return one output of a V2 answer; its data stays numpy's, flat in row-major order."""
    return {"name": name, "datatype": dtype, "shape": array.shape, "data": to_json(array.ravel())}


def model_metadata(name: str, version: str, signature: Signature, batching: Batching) -> dict[str, Any]:
    """Return the answer of GET /v2/models/{name}; a free dimension is -1, as the protocol says.

    `parameters` are beyond the protocol, which clients pass over; MLServer has them in the same place.
    """
    return {
        "name": name,
        "versions": [version],
        "platform": "onnxruntime_onnx",
        "inputs": [_describe(tensor) for tensor in signature.inputs],
        "outputs": [_describe(tensor) for tensor in signature.outputs],
        "parameters": {
            "batching": batching.enabled,
            "batching_max_rows": batching.max_rows,
            "batching_found": batching.found,
        },
    }


def _describe(tensor: Tensor) -> dict[str, Any]:
    shape = [-1 if size is None else size for size in tensor.shape]
    return {"name": tensor.name, "datatype": tensor.dtype, "shape": shape}


def _object(value: object, field: str, keys: frozenset[str]) -> dict[str, Any]:
    allowed = f"an object with {', '.join(sorted(keys))}"
    if not isinstance(value, dict):
        raise BadRequest(field, f"is {show(value)}", allowed)
    for key in value:
        if key not in keys:
            raise BadRequest(field, f"has the key {show(key)}", allowed)
    return value


def _by_name(value: object, field: str, keys: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return the objects of a list by their names; BadRequest if one has none or two have the same."""
    if not isinstance(value, list) or not value:
        raise BadRequest(field, f"is {show(value)}", "a list with one object per tensor")
    entries: dict[str, dict[str, Any]] = {}
    for i, item in enumerate(value):
        entry = _object(item, f"{field}[{i}]", keys)
        name = entry.get("name")
        if not isinstance(name, str):
            raise BadRequest(f"{field}[{i}].name", f"is {show(name)}", "the name of a tensor")
        if name in entries:
            raise BadRequest(f"{field}[{i}].name", f"is {show(name)} for the second time", "each name once")
        _check_parameters(entry, f"{field}[{i}].parameters")
        entries[name] = entry
    return entries


def _check_parameters(entry: dict[str, Any], field: str) -> None:
    if "parameters" not in entry:
        return
    parameters = entry["parameters"]
    if not isinstance(parameters, dict):
        raise BadRequest(field, f"is {show(parameters)}", "an object")
    for key in _REFUSED_PARAMETERS:
        # `binary_data_output: false` asks for what happens anyway.
        if parameters.get(key) not in (None, False):
            raise BadRequest(f"{field}.{key}", f"is {show(parameters[key])}", "tensors as JSON only: leave it out")


def _tensor(entry: dict[str, Any], tensor: Tensor, field: str) -> Array:
    if entry.get("datatype") != tensor.dtype:
        raise BadRequest(f"{field}.datatype", f"is {show(entry.get('datatype'))}", tensor.dtype)
    shape = entry.get("shape")
    if not isinstance(shape, list) or any(type(size) is not int or size < 0 for size in shape):
        raise BadRequest(f"{field}.shape", f"is {show(shape)}", f"a list of sizes: {tensor.shape_text}")
    check_shape(tuple(shape), tensor, f"{field}.shape")
    if "data" not in entry:
        raise BadRequest(f"{field}.data", "is missing", "the tensor's values as a JSON array")
    allowed = f"{prod(shape)} values in row-major order, flat or nested as the shape {shape}"
    if not isinstance(entry["data"], list):
        raise BadRequest(f"{field}.data", f"is {show(entry['data'])}", allowed)
    given, flat = flatten(entry["data"], f"{field}.data", max(1, len(shape)), allowed)
    if len(flat) != prod(shape) or (len(given) > 1 and given != tuple(shape)):
        raise BadRequest(f"{field}.data", f"has {len(flat)} values of the shape {list(given)}", allowed)
    return from_flat(flat, tuple(shape), tensor, f"{field}.data")


def _wanted_outputs(document: dict[str, Any], signature: Signature) -> tuple[str, ...]:
    known = tuple(tensor.name for tensor in signature.outputs)
    if not document.get("outputs"):  # the protocol: none named means all of them
        if document.get("outputs", []) not in ([], None):
            raise BadRequest("outputs", f"is {show(document['outputs'])}", "a list of objects with `name`")
        return known
    wanted = tuple(_by_name(document["outputs"], "outputs", _OUTPUT_KEYS))
    for name in wanted:
        if name not in known:
            raise BadRequest(f"outputs.{name}"[:100], "is no output of this model", ", ".join(known))
    return wanted
