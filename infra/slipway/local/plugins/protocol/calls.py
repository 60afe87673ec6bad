"""Give every call of the protocol the same frame: its connection, a log line, and errors as the engine expects them."""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from slipway.local.plugins.protocol.errors import InitError, OperationError, RefusedError
from slipway.local.plugins.protocol.properties import PropertyRefusedError, encode

log = logging.getLogger("slipway.local.plugins.protocol")


def answering(work: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Make a method of the protocol out of work that may raise: find the connection, log, turn errors into answers.

    `work` takes the service, the request and the connection. One that is no coroutine runs in a thread, since it waits
    for something. What the service names in `expected` reaches the person as its text, as the protocol's errors do.
    """

    async def method(self: Any, request: Any, context: Any) -> Any:
        started = time.monotonic()
        urn = getattr(request, "urn", "")
        try:
            connection = self.connections.get(context.peer())
            if inspect.iscoroutinefunction(work):
                return await work(self, request, connection)
            return await asyncio.to_thread(work, self, request, connection)
        except (InitError, OperationError, PropertyRefusedError, RefusedError, *self.expected) as error:
            log.info("%s %s: refused: %s", work.__name__, urn, type(error).__name__)
            trailing = (("grpc-status-details-bin", _details(error)),) if isinstance(error, InitError) else ()
            await context.abort(grpc.StatusCode.UNKNOWN, str(error), trailing)
        except Exception as error:  # the last frame before the wire: a defect of ours must reach the user as words
            log.exception("%s %s failed", work.__name__, urn)
            await context.abort(grpc.StatusCode.INTERNAL, f"defect in {self.what}: {type(error).__name__}: {error}")
        finally:
            log.debug("%s %s: %.0f ms", work.__name__, urn, 1000 * (time.monotonic() - started))
        raise AssertionError("abort raises")

    method.__name__ = work.__name__
    return method


def _details(error: InitError) -> bytes:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.identifier, properties=encode(error.state), reasons=[str(error)], inputs=encode(error.inputs)
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    return bytes(status.SerializeToString())
