"""What the gateway asks: the model, and what the client showed."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import uuid4

from slipway_keys.values.keys import Role

PREFIX = b"/check/"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9-]{1,64}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_READING = (b"GET", b"HEAD")
_ROLES: dict[bytes, Role] = {b"feedback": "feedback", b"samples": "samples"}


@dataclass
class Asker:
    """The connection on which the gateway asks.

    Attributes:
        gone: done when it is closed: whoever called does not wait any more.
        held_s: for how long the question of the moment waited for a replica of its model, seconds.
    """

    gone: "asyncio.Future[None]"
    held_s: float = 0.0


class Asked(NamedTuple):
    """A question.

    Attributes:
        request_id: the gateway's, or one made here for whoever asks without.
        credential: what the client showed, without the word before it; empty if nothing.
        address: the client's, by the gateway; empty if it does not say.
        role: what a key must be good for.
        method: of the call: GET, POST ...
        path: of the call as the client sent it, without its query.
        asker: who waits for the answer.
        headers: all that the gateway shows of the call, with names in lower case.
        waited: whether it has waited for a replica of its model already.
    """

    model: str
    request_id: str
    credential: str
    address: str
    role: Role
    method: bytes
    path: str
    asker: Asker
    headers: Mapping[bytes, bytes]
    waited: bool = False

    def is_for_page(self, below: str) -> bool:
        """Whether it is for the page of a model whose path is `below`: for that alone, only to be read."""
        return self.method in _READING and self.path in (below, below.removesuffix("/") + "/")

    def is_feedback(self, path: str) -> bool:
        """Whether it brings feedback, by the path that a model's route has for it."""
        return self.role == "feedback" and self.path == path


def asked(method: bytes, url: bytes, headers: dict[bytes, bytes], asker: Asker) -> Asked | None:
    """Return the question in a request, None if it is none. Names of headers are in lower case."""
    path = url.partition(b"?")[0]
    if not path.startswith(PREFIX):
        return None
    model, _, rest = path[len(PREFIX) :].partition(b"/")
    request_id = headers.get(b"x-request-id", b"")
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = str(uuid4()).encode()
    # The last address is what the gateway itself saw; those before it are the client's word.
    address = headers.get(b"x-forwarded-for", b"").decode("latin-1").rpartition(",")[2].strip()
    return Asked(
        model=model.decode("latin-1"),
        request_id=request_id.decode(),
        credential=_credential(headers),
        address=address if _ADDRESS.fullmatch(address) else "",
        role=_ROLES.get(rest.rpartition(b"/")[2], "predict"),
        method=method,
        path="/" + rest.decode("latin-1"),
        asker=asker,
        headers=headers,
    )


def _credential(headers: dict[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()
