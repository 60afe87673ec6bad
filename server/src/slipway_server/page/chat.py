"""Write the OpenAPI document of a language model, which is asked by OpenAI's API."""

from collections.abc import Sequence
from typing import Any

from slipway_server.page.schemas import json_of, object_schema, ref

_ERRORS = {
    "400": "The request is not one that this model takes; the message says field, value and what is allowed.",
    "404": "There is no such model here.",
    "413": "The body is larger than the server takes.",
    "503": "No room now: try again after the seconds in Retry-After.",
    "504": "The model did not answer in time.",
}


def chat_openapi(name: str, version: str, names: Sequence[str], context: int, gated: bool) -> dict[str, Any]:
    """Return the document, by OpenAPI 3.1.

    Args:
        name: the model's.
        version: the model's.
        names: what a request may give as `model`: the model itself first, then its adapters.
        context: tokens that a request and its answer may have together.
        gated: whether a gateway stands before the server, which asks callers for a key.
    """
    text = {"type": "string"}
    message = object_schema({"role": {"enum": ["system", "user", "assistant"]}, "content": text}, ["role", "content"])
    common = {
        "model": {"enum": list(names)},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": context},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "stream": {"type": "boolean", "description": "Whether the answer comes piece by piece, as server-sent events."},
    }
    chat = {"messages": {"type": "array", "items": message, "minItems": 1}, **common}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": name, "version": version},
        "servers": [{"url": ".", "description": "Where this document is"}],
        "paths": {
            "/v1/chat/completions": {"post": _operation("chat", f"Chat with {name}", chat, ["messages"])},
            "/v1/completions": {
                "post": _operation("complete", "Go on with a text", {"prompt": text, **common}, ["prompt"])
            },
            "/v1/models": {
                "get": {"operationId": "models", "summary": "The model and its adapters", "responses": _answers()}
            },
        },
        "components": {"schemas": {"Error": _error()}},
        # For the page: what it offers.
        "x-slipway": {"takes": ["chat"], "inputs": [], "outputs": [], "names": list(names), "context": context},
    }
    if gated:
        schemes = {"key": {"type": "http", "scheme": "bearer", "description": "A key of the gateway's, or a token."}}
        described["components"]["securitySchemes"] = schemes
        described["security"] = [{"key": []}]
    return described


def _operation(name: str, summary: str, fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    # There are more fields, which OpenAI's API describes.
    body = {"type": "object", "properties": fields, "required": required}
    refusals = {code: {"description": said, "content": json_of(ref("Error"))} for code, said in _ERRORS.items()}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": json_of(body)},
        "responses": {**_answers(), **refusals},
    }


def _answers() -> dict[str, Any]:
    return {"200": {"description": "As OpenAI's API has it.", "content": json_of({"type": "object"})}}


def _error() -> dict[str, Any]:
    said = {"message": {"type": "string"}, "type": {"type": "string"}}
    return object_schema({"error": {"type": "object", "properties": said}}, ["error"])
