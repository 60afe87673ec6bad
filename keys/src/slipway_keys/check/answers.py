"""The answers to the gateway, as bytes of HTTP."""

import math

import orjson

_REASONS = {401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found", 429: b"Too Many Requests"}
_CHALLENGE = b'www-authenticate: Bearer realm="slipway"\r\n'


class Unanswered(Exception):
    """A question gets no answer: its connection is closed, and the gateway, if it still waits, asks another replica."""


BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


NOBODY = "-"
"""The mark of a call that is nobody's: the gateway logs it as it does those that were refused, and no ledger has it."""


def allowed(signed_pass: bytes, mark: str, variant: bytes | None = None) -> bytes:
    """Return the answer that lets a call pass, with what the gateway adds to it; `variant`: the release it goes to."""
    kept = b"" if variant is None else b"x-slipway-variant: %b\r\n" % variant
    return b"HTTP/1.1 200 OK\r\nx-slipway-pass: %b\r\nx-slipway-key: %b\r\n%bcontent-length: 0\r\n\r\n" % (
        signed_pass,
        mark.encode(),
        kept,
    )


def refused(status: int, problem: str, retry_s: float | None = None) -> bytes:
    """Return an answer that the client gets instead of the model's; `retry_s` becomes Retry-After, in whole seconds."""
    body = orjson.dumps({"error": problem})
    extra = _CHALLENGE if status == 401 else b""
    if retry_s is not None:
        extra += b"retry-after: %d\r\n" % max(1, math.ceil(retry_s - 1e-6))
    return (
        b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncache-control: no-store\r\n%bcontent-length: %d\r\n\r\n%b"
        % (status, _REASONS.get(status, b"Service Unavailable"), extra, len(body), body)
    )
