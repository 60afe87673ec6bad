"""One mirrored call, as it is asked again."""

import re
from dataclasses import dataclass

# Paths that ask the model. Others, such as health and metadata, say nothing about answers.
_ASKS = re.compile(r"(/predict|/v2/models/[^/]+(?P<version>/versions/[^/]+)?/infer)$")
# Of the connection that the call came by, or written anew for the next one. Answers are wanted as they are.
_LEFT_OUT = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"expect",
        b"forwarded",
        b"host",
        b"keep-alive",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


@dataclass(frozen=True)
class Call:
    """A call to be replayed.

    Attributes:
        path: with its query.
        headers: those to send, the caller's pass among them.
        body: as it came.
    """

    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def why_not(method: str, path: str) -> str | None:
    """Return why a call is not replayed, in a word; None if it is.

    A call that names a version is left out: only one of the two releases has it.
    """
    asks = _ASKS.search(path) if method == "POST" else None
    if asks is None:
        return "not_the_model"
    return "version" if asks["version"] else None


def headers_to_send(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of a call that are sent along with it; names are in lower case."""
    return (*((name, value) for name, value in headers if name not in _LEFT_OUT), (b"accept-encoding", b"identity"))
