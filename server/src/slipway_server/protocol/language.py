"""Read a request of OpenAI's API: chats, and texts to be gone on with. What nothing reads is refused."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slipway_server.values.errors import BadRequest, show

Kind = Literal["chat", "text"]
_ROLES = ("system", "developer", "user", "assistant")
_STOPS_MOST, _STOP_CHARACTERS = 4, 64
_MESSAGES_MOST = 4096
_SEED_MOST = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that was found right.

    Attributes:
        kind: whether it is a chat, or a text to be gone on with.
        model: what it names as `model`; None where it names none.
        body: what the engine is asked, apart from the limit and how it answers.
        most: tokens of the answer at most; None: as many as the context has room for.
        stream: whether it is answered piece by piece.
        usage: whether a streamed answer ends with the count of tokens.
    """

    kind: Kind
    model: str | None
    body: Mapping[str, Any]
    most: int | None
    stream: bool
    usage: bool


def parse_ask(kind: Kind, body: object, context: int | None = None) -> Ask:
    """Return what a request's JSON asks.

    Args:
        kind: by the path that it was sent to.
        body: the JSON document.
        context: tokens that prompt and answer may have together; not held against it for None.

    Raises:
        BadRequest: a field that nobody reads, or a value that is not allowed.
    """
    said = "messages" if kind == "chat" else "prompt"
    if not isinstance(body, dict):
        raise BadRequest("body", f"is {show(body)}", f"an object with `{said}`")
    known = {said, "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", *_FIELDS, *_IGNORED}
    for name in body:
        if name not in known:
            raise BadRequest(name, "is not read by this server", ", ".join(sorted(known)))
    asked: dict[str, Any] = {said: _messages(body) if kind == "chat" else _prompt(body)}
    for name, read in _FIELDS.items():
        if body.get(name) is not None:
            value = read(name, body[name])
            if name not in ("n", "response_format"):
                asked[name] = value
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise BadRequest("model", f"is {show(model)}", "the name of the model, or of one of its adapters")
    stream = _flag("stream", body.get("stream"))
    return Ask(kind, model, asked, _most(body, context), stream, _usage(body.get("stream_options")))


def _messages(body: Mapping[str, Any]) -> list[dict[str, str]]:
    found = body.get("messages")
    if not isinstance(found, list) or not 0 < len(found) <= _MESSAGES_MOST:
        raise BadRequest("messages", f"is {show(found)}", f"a list of 1 to {_MESSAGES_MOST} messages")
    return [_message(index, message) for index, message in enumerate(found)]


def _message(index: int, message: object) -> dict[str, str]:
    at = f"messages[{index}]"
    if not isinstance(message, dict) or not {"role", "content"} <= message.keys() <= {"role", "content", "name"}:
        raise BadRequest(at, f"is {show(message)}", "an object with `role` and `content`")
    role = message["role"]
    if role not in _ROLES:
        raise BadRequest(f"{at}.role", f"is {show(role)}", ", ".join(_ROLES))
    content = message["content"]
    if isinstance(content, list):
        content = "".join(_part(f"{at}.content[{number}]", part) for number, part in enumerate(content))
    if not isinstance(content, str):
        raise BadRequest(f"{at}.content", f"is {show(content)}", "text, or a list of parts that are text")
    return {"role": "system" if role == "developer" else role, "content": content}


def _part(at: str, part: object) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise BadRequest(at, f"is {show(part)}", '{"type": "text", "text": ...}: this server takes text only')


def _prompt(body: Mapping[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise BadRequest("prompt", f"is {show(prompt)}", "a text of one character or more")
    return prompt


def _most(body: Mapping[str, Any], context: int | None) -> int | None:
    given = [name for name in ("max_tokens", "max_completion_tokens") if body.get(name) is not None]
    if len(given) > 1:
        raise BadRequest("max_tokens", "is given beside `max_completion_tokens`, its newer name", "one of them")
    if not given:
        return None
    return int(_whole(1, context or 2**31)(given[0], body[given[0]]))


def _usage(options: object) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict) or options.keys() - {"include_usage"}:
        raise BadRequest("stream_options", f"is {show(options)}", '{"include_usage": true} or false')
    return _flag("stream_options.include_usage", options.get("include_usage"))


def _flag(name: str, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadRequest(name, f"is {show(value)}", "true or false")


def _between(least: float, most: float) -> Callable[[str, object], float]:
    def read(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadRequest(name, f"is {show(value)}", f"a number from {least} to {most}")
        if not least <= value <= most:
            raise BadRequest(name, f"is {show(value)}", f"a number from {least} to {most}")
        return float(value)

    return read


def _whole(least: int, most: int) -> Callable[[str, object], int]:
    def read(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadRequest(name, f"is {show(value)}", f"a whole number from {least} to {most}")
        return value

    return read


def _stop(name: str, value: object) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or len(texts) > _STOPS_MOST:
        raise BadRequest(name, f"is {show(value)}", f"a text, or a list of {_STOPS_MOST} texts at most")
    for text in texts:
        if not isinstance(text, str) or not 0 < len(text) <= _STOP_CHARACTERS:
            raise BadRequest(name, f"has {show(text)}", f"texts of 1 to {_STOP_CHARACTERS} characters")
    return texts


def _as_text(name: str, value: object) -> object:
    if value != {"type": "text"}:
        raise BadRequest(name, f"is {show(value)}", '{"type": "text"}')
    return value


_FIELDS: Mapping[str, Callable[[str, object], Any]] = {
    "temperature": _between(0, 2),
    "top_p": _between(0, 1),
    "top_k": _whole(0, 1_000_000),
    "min_p": _between(0, 1),
    "presence_penalty": _between(-2, 2),
    "frequency_penalty": _between(-2, 2),
    "seed": _whole(0, _SEED_MOST),
    "stop": _stop,
    "n": _whole(1, 1),
    "response_format": _as_text,
}
_IGNORED = ("user",)
