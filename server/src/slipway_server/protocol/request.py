"""Read the body of POST /predict: which array goes to which input of the model."""

import base64
import binascii

from slipway_server.protocol.image import decode
from slipway_server.protocol.image_input import image_input
from slipway_server.protocol.v2_inputs import check_names, check_sizes, read_inputs
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature
from slipway_server.values.steps import PictureSection
from slipway_server.values.tensors import Array, to_array

__all__ = ["BadRequest", "parse_predict"]


def parse_predict(body: object, signature: Signature, picture: PictureSection | None = None) -> dict[str, Array]:
    """Return one array per input of the model, of the datatype and shape that the model takes.

    Args:
        body: the JSON document: `{"inputs": {name: nested arrays}}`, or `{"inputs": [...]}` with each input as
            a V2 request has it; for a model with one input also `{"input": nested arrays}` or bare nested arrays;
            for a model of pictures `{"image": "<base64>"}`.
        signature: what the model takes.
        picture: how a picture becomes its input; by the model's shape and metadata when left out.

    Raises:
        BadRequest: anything else; the message says field, value and what is allowed.
    """
    if isinstance(body, list):
        return _only_input(body, signature, "body")
    if not isinstance(body, dict):
        raise BadRequest("body", f"is {show(body)}", _forms(signature))
    if len(body) != 1:
        keys = ", ".join(show(key) for key in list(body)[:8])
        raise BadRequest("body", f"has {len(body)} keys ({keys})" if body else "is {}", _forms(signature))
    key, value = next(iter(body.items()))
    match key:
        case "inputs":
            return _named_inputs(value, signature)
        case "input":
            return _only_input(value, signature, "input")
        case "image":
            return decode(from_base64(value), image_input(signature, picture), "image")
        case _:
            raise BadRequest("body", f"has the key {show(key)}", _forms(signature))


def from_base64(value: object) -> bytes:
    """Return the bytes of a picture that came as base64; BadRequest if it is none."""
    allowed = "the bytes of an image file in base64"
    if not isinstance(value, str):
        raise BadRequest("image", f"is {show(value)}", allowed)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: characters outside ASCII
        raise BadRequest("image", f"is not base64 ({error}): {show(value)}", allowed) from None


def _named_inputs(value: object, signature: Signature) -> dict[str, Array]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return read_inputs(value, signature)
    if not isinstance(value, dict):
        names = ", ".join(f'"{tensor.name}": ...' for tensor in signature.required)
        raise BadRequest("inputs", f"is {show(value)}", f"an object {{{names}}}")
    check_names(value, signature)
    arrays = {t.name: to_array(value[t.name], t, f"inputs.{t.name}") for t in signature.inputs if t.name in value}
    check_sizes(arrays, signature)
    return arrays


def _only_input(value: object, signature: Signature, field: str) -> dict[str, Array]:
    if len(signature.required) != 1:
        raise BadRequest(field, f"names none of the {len(signature.required)} inputs", _forms(signature))
    tensor = signature.required[0]
    arrays = {tensor.name: to_array(value, tensor, field)}
    check_sizes(arrays, signature)
    return arrays


def _forms(signature: Signature) -> str:
    names = ", ".join(f'"{t.name}": {t.dtype} {t.shape_text}' for t in signature.required)
    forms = [f'{{"inputs": {{{names}}}}}']
    if len(signature.required) == 1:
        forms += ['{"input": nested arrays}', "bare nested arrays"]
    return " or ".join([*forms, '{"image": "<base64>"} for a model of pictures'])
