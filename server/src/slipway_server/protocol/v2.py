"""Speak the Open Inference Protocol V2: read infer requests and write their answers, as JSON and as bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from slipway_server.protocol.binary import to_binary
from slipway_server.protocol.v2_inputs import NO_BYTES, by_name, parameters_of, read_inputs
from slipway_server.values.batching import Batching
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array, to_json

_BODY = "an object with `inputs`, and, if wanted, `id`, `parameters`, `outputs`"


class Answer(NamedTuple):
    """The body of an answer, and what its headers tell.

    Attributes:
        body: as it is sent, unless it is compressed.
        json_bytes: the length of its JSON where tensors as bytes follow, else None.
        compute_s: the request's share of the seconds that the model ran.
        report: what it predicted, for whoever measures how good that was; None where nobody does.
    """

    body: bytes
    json_bytes: int | None = None
    compute_s: float = 0.0
    report: bytes | None = None


@dataclass(frozen=True)
class InferRequest:
    """A checked infer request: its id if it had one, arrays by input name, outputs in order: whether as bytes."""

    id: str | None
    inputs: dict[str, Array]
    outputs: dict[str, bool]


def parse_infer(body: object, signature: Signature, binary: memoryview = NO_BYTES) -> InferRequest:
    """Return the request in a V2 infer body; keys that the protocol does not have are passed over.

    Args:
        body: its JSON document.
        signature: what the model takes and gives.
        binary: the bytes after the JSON.

    Raises:
        BadRequest: anything that the protocol or the model's signature does not allow.
    """
    if not isinstance(body, dict):
        raise BadRequest("body", f"is {show(body)}", _BODY)
    request_id = body.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise BadRequest("id", f"is {show(request_id)}", "a string")
    as_bytes = _flag(parameters_of(body, "parameters"), "binary_data_output", "parameters", False)
    inputs = read_inputs(body.get("inputs"), signature, binary)
    return InferRequest(request_id, inputs, wanted_outputs(body.get("outputs"), signature, as_bytes))


def write_infer(
    request: InferRequest,
    outputs: Mapping[str, Array],
    dtypes: Mapping[str, str],
    name: str,
    version: str,
    dumps: Callable[[Any], bytes],
) -> Answer:
    """Return the answer to a request.

    Args:
        request: as it was read.
        outputs: all outputs of the model.
        dtypes: their datatypes.
        name: the model's.
        version: the model's.
        dumps: writes JSON.
    """
    entries: list[dict[str, Any]] = []
    pieces: list[bytes | memoryview] = []
    for output, as_bytes in request.outputs.items():
        array = outputs[output]
        entry: dict[str, Any] = {"name": output, "datatype": dtypes[output], "shape": array.shape}
        if as_bytes:
            piece = to_binary(array, dtypes[output])
            pieces.append(piece)
            entry["parameters"] = {"binary_data_size": len(piece)}
        else:
            entry["data"] = to_json(array.ravel())
        entries.append(entry)
    document: dict[str, Any] = {"model_name": name, "model_version": version, "outputs": entries}
    if request.id is not None:
        document["id"] = request.id
    head = dumps(document)
    return Answer(b"".join([head, *pieces]), len(head)) if pieces else Answer(head)


def model_metadata(name: str, version: str, signature: Signature, batching: Batching) -> dict[str, Any]:
    """Return the answer of GET /v2/models/{name}; a free dimension is -1, as the protocol says.

    Outputs that are no tensors are left out, since the protocol has no datatype for them.
    `parameters` are beyond the protocol, which clients pass over; MLServer has them in the same place.
    """
    return {
        "name": name,
        "versions": [version],
        "platform": signature.platform,
        "inputs": [_describe(tensor) for tensor in signature.inputs],
        "outputs": [_describe(tensor) for tensor in signature.outputs if tensor.is_tensor],
        "parameters": {
            "batching": batching.enabled,
            "batching_max_rows": batching.max_rows,
            "batching_found": batching.found,
        },
    }


def _describe(tensor: Tensor) -> dict[str, Any]:
    shape = [-1 if size is None else size for size in tensor.shape]
    described: dict[str, Any] = {"name": tensor.name, "datatype": tensor.dtype, "shape": shape}
    return described | {"optional": True} if tensor.optional else described


def wanted_outputs(value: object, signature: Signature, as_bytes: bool) -> dict[str, bool]:
    """Return the outputs that a request names, in order, each with whether it is wanted as bytes; all if it names none.

    Args:
        value: the list of its `outputs`.
        signature: what the model gives.
        as_bytes: whether those are wanted as bytes of which it says nothing.

    Raises:
        BadRequest: the model has no such output, or the protocol has not.
    """
    known = [tensor.name for tensor in signature.outputs if tensor.is_tensor]
    if not known:
        names = ", ".join(f"`{tensor.name}`" for tensor in signature.outputs)
        raise BadRequest("outputs", f"of this model ({names}) are lists, which the protocol does not have", "/predict")
    if not value:  # the protocol: none named means all of them
        if value not in ([], None):
            raise BadRequest("outputs", f"is {show(value)}", "a list of objects with `name`")
        return dict.fromkeys(known, as_bytes)
    wanted: dict[str, bool] = {}
    for name, entry in by_name(value, "outputs").items():
        if name not in known:
            listed = any(tensor.name == name for tensor in signature.outputs)
            problem = "is a list, which the protocol does not have" if listed else "is no output of this model"
            beside = " (POST /predict gives the list)" if listed else ""
            raise BadRequest(f"outputs.{name}"[:100], problem, ", ".join(known) + beside)
        field = f"outputs.{name}.parameters"
        wanted[name] = _flag(parameters_of(entry, field), "binary_data", field, as_bytes)
    return wanted


def _flag(parameters: Mapping[str, Any], key: str, field: str, default: bool) -> bool:
    value = parameters.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadRequest(f"{field}.{key}", f"is {show(value)}", "true or false")
    return value
