"""Ask a model for the answer to an input, at its local port, whatever version that leads to."""

import json
from typing import Any

import urllib3

from slipway_edge.feeds.ports import Input
from slipway_edge.values.errors import Away

_SIZE_LIMIT = 8 * 2**20
_NOT_YET = frozenset({408, 429, 502, 503, 504})
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"BM": "image/bmp",
    b"GIF8": "image/gif",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}


class Unanswerable(Exception):
    """The model refuses this input: asking again would change nothing."""


class Failing(Exception):
    """The model failed at this input: it may do so again."""


class Caller:
    """Asks `/predict` of one model."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._url = f"http://{host}:{port}/predict"
        self._timeout = urllib3.Timeout(total=timeout_s)
        self._pool = urllib3.PoolManager(retries=False, num_pools=1, maxsize=1)

    def answer(self, one: Input) -> bytes:
        """What is sent on: the model's answer with the input's id and name, as JSON.

        Raises:
            Unanswerable: the model takes no such input.
            Failing: it broke at it.
            Away: nothing answers, or it says that it is not ready or too busy.
        """
        if one.body is None:
            raise Unanswerable("it is too long")
        try:
            reply = self._pool.request(
                "POST",
                self._url,
                body=one.body,
                headers={"Content-Type": content_type(one.body)},
                timeout=self._timeout,
                redirect=False,
                preload_content=False,
            )
            body = reply.read(_SIZE_LIMIT + 1)
            reply.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise Away(f"the model does not answer: {type(error).__name__}") from None
        if reply.status in _NOT_YET:
            raise Away(f"the model answers {reply.status}")
        if reply.status != 200:
            said = f"{reply.status}: {body[:200].decode(errors='replace')}"
            raise (Unanswerable if 400 <= reply.status < 500 else Failing)(said)
        return _message(one, body)


def _message(one: Input, body: bytes) -> bytes:
    try:
        said: Any = json.loads(body)
    except ValueError:
        raise Failing("200, and no JSON") from None
    return json.dumps({"id": one.id, "input": one.name, "answer": said}, separators=(",", ":")).encode()


def content_type(body: bytes) -> str:
    """What the model server takes it for: a picture by its first bytes, else JSON."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _PICTURES.items() if body.startswith(start)), "application/json")
