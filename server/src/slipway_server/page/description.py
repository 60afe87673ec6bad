"""Write the OpenAPI document of a model: what it takes and gives, from its signature and the steps around it."""

from typing import Any

from slipway_server.page.schemas import error_schema, json_of, nested, object_schema, ref
from slipway_server.protocol.image import FORMATS
from slipway_server.protocol.image_input import image_input
from slipway_server.steps.assembled import Steps
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor

_ERRORS = {
    "400": "The request is not one that this model takes; the message says field, value and what is allowed.",
    "413": "The body is larger than the server takes.",
    "503": "No room now: try again after the seconds in Retry-After.",
    "504": "The model did not answer in time.",
}


def takes(signature: Signature, steps: Steps) -> list[str]:
    """Return what may be sent, the most natural first: `hook`, `text`, `picture`, `tensors`."""
    if steps.before:
        return ["hook"]
    found = ["text"] if steps.texts is not None else []
    try:
        image_input(signature, steps.picture)
        found.append("picture")
    except BadRequest:
        # The words are for somebody who sent a picture; here nobody did.
        return [*found, "tensors"]
    return [*found, "tensors"]


def openapi(name: str, version: str, signature: Signature, steps: Steps, gated: bool) -> dict[str, Any]:
    """Return the document, by OpenAPI 3.1.

    Args:
        name: the model's.
        version: the model's.
        signature: what it takes and gives.
        steps: what stands before and after it.
        gated: whether a gateway stands before the server, which asks callers for a key.
    """
    kinds = takes(signature, steps)
    answer = {"description": "What the model gives.", "content": json_of(_answer(signature, steps))}
    refusals = {code: {"description": said, "content": json_of(ref("Error"))} for code, said in _ERRORS.items()}
    operation = {
        "operationId": "predict",
        "summary": f"Ask the model {name}",
        "requestBody": {"required": True, "content": _bodies(signature, kinds)},
        "responses": {"200": answer, **refusals},
    }
    graph = {"description": "Its operators, as far as they can be shown.", "content": json_of({"type": "object"})}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version},
        "servers": [{"url": ".", "description": "Where this document is"}],
        "paths": {
            "/predict": {"post": operation},
            "/graph": {"get": {"operationId": "graph", "summary": "The model's layers", "responses": {"200": graph}}},
        },
        "components": {"schemas": {"Error": error_schema()}},
        # For the page: a schema says what is right, and not what it was made from.
        "x-slipway": {
            "takes": kinds,
            "inputs": [_tensor(tensor) for tensor in signature.inputs],
            "outputs": [_tensor(tensor) for tensor in signature.outputs],
            **({} if steps.coarse is None else {"coarse": steps.coarse.said}),
        },
    }
    if gated:
        schemes = {"key": {"type": "http", "scheme": "bearer", "description": "A key of the gateway's, or a token."}}
        described["components"]["securitySchemes"] = schemes
        described["security"] = [{"key": []}]
    return described


def _bodies(signature: Signature, kinds: list[str]) -> dict[str, Any]:
    if kinds == ["hook"]:
        of_hook = {"description": "What the model's own function `before` reads."}
        return json_of(of_hook) | {"multipart/form-data": {"schema": _form()}}
    forms: list[dict[str, Any]] = []
    if "text" in kinds:
        texts = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        forms.append(object_schema({"text": {"anyOf": [{"type": "string"}, texts]}}, ["text"]))
    if "picture" in kinds:
        picture = {"type": "string", "contentEncoding": "base64", "description": "A file of a picture."}
        forms.append(object_schema({"image": picture}, ["image"]))
    named = {tensor.name: nested(tensor) for tensor in signature.inputs}
    inputs = object_schema(named, [tensor.name for tensor in signature.required])
    forms.append(object_schema({"inputs": inputs}, ["inputs"]))
    if len(signature.required) == 1:
        forms.append(object_schema({"input": nested(signature.required[0])}, ["input"]))
    content = json_of({"oneOf": forms} if len(forms) > 1 else forms[0])
    if "picture" in kinds:
        content["multipart/form-data"] = {"schema": _form()}
        content |= {f"image/{kind.lower()}": {"schema": {}} for kind in FORMATS}
    return content


def _answer(signature: Signature, steps: Steps) -> dict[str, Any]:
    outputs = object_schema({tensor.name: nested(tensor) for tensor in signature.outputs}, [])
    parts: dict[str, Any] = {name: {"type": "string"} for name in ("model", "version", "release")}
    if steps.after:
        parts["predictions"] = {"description": "What the model's own function `after` gave."}
    elif steps.predictions is not None:
        parts["predictions"] = _predictions(steps.predictions.alone)
    parts["outputs"] = outputs
    return object_schema(parts, list(parts))


def _predictions(alone: bool) -> dict[str, Any]:
    """Classes of one row, or a list of them for each row; a confidence may be NaN, which is null, or infinite.

    `alone`: whether only the best class is named, without its confidence.
    """
    said: dict[str, Any] = {"label": {"type": ["string", "integer"]}}
    if not alone:
        said["confidence"] = {"anyOf": [{"type": "number"}, {"type": "null"}, {"type": "string"}]}
    row = {"type": "array", "items": object_schema(said, list(said))}
    return {"description": "The best class first.", "anyOf": [row, {"type": "array", "items": row}]}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    said = {"name": tensor.name, "datatype": tensor.dtype, "shape": list(tensor.shape)}
    return said | {"optional": True} if tensor.optional else said


def _form() -> dict[str, Any]:
    return object_schema({"file": {"type": "string", "contentMediaType": "application/octet-stream"}}, ["file"])
