"""Say as JSON Schema what is sent and answered: nested lists of a tensor, objects, refusals."""

from typing import Any

from slipway_server.values.signature import Tensor
from slipway_server.values.tensors import INFINITIES


def nested(tensor: Tensor) -> dict[str, Any]:
    """Return the schema of a tensor's nested lists; of a sequence or a map, which have no shape, that of a list."""
    if not tensor.is_tensor:
        return {"type": "array", "description": tensor.dtype} if tensor.dtype.startswith("seq") else {"type": "object"}
    schema = _value(tensor)
    for size in reversed(tensor.shape):
        schema = {"type": "array", "items": schema}
        if size is not None:
            schema |= {"minItems": size, "maxItems": size}
    schema["description"] = f"{tensor.dtype} {tensor.shape_text}"
    return schema


def object_schema(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the schema of an object; where something is `required`, of one with these properties and no others."""
    said = {"type": "object", "properties": properties}
    return said | {"required": required, "additionalProperties": False} if required else said


def error_schema() -> dict[str, Any]:
    """Return the schema of a refusal."""
    return object_schema({"error": {"type": "string"}}, ["error"])


def ref(name: str) -> dict[str, Any]:
    """Return what stands for a schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a body of JSON, as OpenAPI says it."""
    return {"application/json": {"schema": schema}}


def _value(tensor: Tensor) -> dict[str, Any]:
    kind = tensor.numpy_dtype.kind
    if kind == "b":
        return {"type": "boolean"}
    if kind == "O":
        return {"type": "string"}
    if kind == "f":
        words = {"enum": [*INFINITIES, "NaN"]}
        return {"anyOf": [{"type": "number"}, {"type": "null", "description": "NaN"}, words]}
    bits = 8 * tensor.numpy_dtype.itemsize
    low, high = (0, 2**bits - 1) if kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return {"type": "integer", "minimum": low, "maximum": high}
