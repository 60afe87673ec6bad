"""Parse names and values of the HTTP headers by which callers are told apart."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.values.quantities import line_of_text, refusal

NAME_LIMIT = 63
VALUE_LIMIT = 255

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_TAKEN = ("host", "connection", "transfer-encoding", "content-length", "authorization", "cookie", "te", "upgrade")
"""What HTTP needs, and what carries a secret, which belongs in no spec."""
_TAKEN_PREFIXES = ("x-slipway-", "x-envoy-", "x-forwarded-")
"""What the gateway itself writes."""


def parse_header_name(value: object) -> str:
    """The name of a header, in lower case, that a caller may set and that holds no secret."""
    allowed = f"a header's name of a-z, 0-9 and '-', a letter first, at most {NAME_LIMIT} characters"
    text = line_of_text(NAME_LIMIT, "x-session")(value)
    if not _NAME.fullmatch(text):
        better = text.lower()
        raise refusal(
            "is not the name of a header",
            allowed,
            f"write for example {better if _NAME.fullmatch(better) else 'x-session'}",
        )
    if text in _TAKEN or text.startswith(_TAKEN_PREFIXES):
        todo = "write a name of your own, for example x-session"
        raise refusal("is a header that HTTP, the gateway or a credential needs", allowed, todo)
    return text


def parse_header_value(value: object) -> str:
    """The exact value of a header: printable ASCII, no space at either end."""
    text = line_of_text(VALUE_LIMIT, "next")(value)
    if not _VALUE.fullmatch(text):
        allowed = "printable ASCII without a space at either end"
        raise refusal("is not the value of a header", allowed, "write for example next")
    return text


HeaderName = Annotated[
    str,
    BeforeValidator(parse_header_name),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_NAME.pattern})$", "maxLength": NAME_LIMIT}),
]
"""The name of an HTTP header, written `x-session`."""

HeaderValue = Annotated[
    str,
    BeforeValidator(parse_header_value),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": VALUE_LIMIT}),
]
"""The exact value of an HTTP header, written `next`."""
