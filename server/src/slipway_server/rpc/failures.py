"""Say what went wrong as a status of gRPC, in the words of answers over HTTP, and as their status for the metrics."""

from typing import NamedTuple

import grpc

from slipway_server.execution.batcher import OverloadedError
from slipway_server.pipeline.caller import MemberAway
from slipway_server.rpc.tensors import UnknownModel
from slipway_server.steps.hook import HookFault, HookTimeout
from slipway_server.values.errors import AnswerTooLarge, BadRequest, Full, ModelFault, TooLarge


class Stopping(Exception):
    """The server takes nothing new."""


class Closed(Exception):
    """The gate lets nobody in now; the message says why."""


class Refused(Exception):
    """The gate does not let this call in; the message says why."""


class TooSlow(Exception):
    """A message did not arrive, or an answer was not taken, in time; the message says which."""


class Failure(NamedTuple):
    """What the client is told, and what is counted: the status that the same failure has over HTTP."""

    code: grpc.StatusCode
    status: int
    text: str | None = None


INTERNAL = Failure(grpc.StatusCode.INTERNAL, 500, "internal error of the model server; its log says more")
"""A mistake of ours."""
_BY_KIND: dict[type[BaseException], Failure] = {
    BadRequest: Failure(grpc.StatusCode.INVALID_ARGUMENT, 400),
    TooLarge: Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
    AnswerTooLarge: Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, 507),
    ModelFault: Failure(grpc.StatusCode.INTERNAL, 500),
    HookFault: Failure(grpc.StatusCode.INTERNAL, 500),
    HookTimeout: Failure(grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    UnknownModel: Failure(grpc.StatusCode.NOT_FOUND, 404),
    Refused: Failure(grpc.StatusCode.PERMISSION_DENIED, 403),
    TooSlow: Failure(grpc.StatusCode.DEADLINE_EXCEEDED, 408),
    TimeoutError: Failure(grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    Full: Failure(grpc.StatusCode.UNAVAILABLE, 503, "the memory for requests is in use by others: try again"),
    OverloadedError: Failure(grpc.StatusCode.UNAVAILABLE, 503, "too many requests are waiting"),
    MemberAway: Failure(grpc.StatusCode.UNAVAILABLE, 503),
    Stopping: Failure(grpc.StatusCode.UNAVAILABLE, 503, "the server is stopping"),
    Closed: Failure(grpc.StatusCode.UNAVAILABLE, 503),
}
RETRY = (("grpc-retry-pushback-ms", "1000"),)
"""Trailers of UNAVAILABLE: a client with a retry policy waits for so long."""


def failure_of(error: Exception) -> Failure:
    """Return what becomes of an error; of one that nobody foresaw, a mistake of ours."""
    known = next((_BY_KIND[kind] for kind in type(error).__mro__ if kind in _BY_KIND), None)
    if known is None:
        return INTERNAL
    return known if known.text is not None else known._replace(text=str(error))
