"""Write Protocol Buffers' text format, in which Triton and TensorFlow Serving are configured."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Name(str):
    """A value of an enumeration, which stands without quotes."""

    __slots__ = ()


def text_format(message: Mapping[str, Any]) -> str:
    """A message as text. A list is a repeated field; a mapping is a message; None is left out."""
    return "".join(f"{line}\n" for line in _fields(message, ""))


def _fields(message: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in message.items():
        for one in value if _is_list(value) else [value]:
            if isinstance(one, Mapping):
                yield f"{indent}{key} {{"
                yield from _fields(one, f"{indent}  ")
                yield f"{indent}}}"
            elif one is not None:
                yield f"{indent}{key}: {_scalar(one)}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Name):
        return str(value)
    # JSON's escapes of ASCII are those of the format, but for letters beyond it, which stand as they are.
    return json.dumps(value, ensure_ascii=False)
