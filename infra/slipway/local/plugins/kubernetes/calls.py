"""Give every call of the protocol the same frame: its connection, a log line, and errors as the engine expects them."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from slipway.local.plugins.kubernetes.client.api import ApiError, UnreachableError
from slipway.local.plugins.kubernetes.client.connections import Connection, NotConfiguredError
from slipway.local.plugins.kubernetes.client.discovery import KindMissingError
from slipway.local.plugins.kubernetes.client.kinds import KindRefusedError
from slipway.local.plugins.kubernetes.client.kubeconfig import KubeconfigError
from slipway.local.plugins.kubernetes.client.settings import SettingsError
from slipway.local.plugins.kubernetes.objects.operations import InitError, OperationError
from slipway.local.plugins.protocol.properties import PropertyRefusedError, encode

log = logging.getLogger("slipway.local.plugins.kubernetes")

_Answer = TypeVar("_Answer")
_EXPECTED = (
    ApiError, InitError, KindMissingError, KubeconfigError, NotConfiguredError, OperationError, PropertyRefusedError,
    SettingsError, UnreachableError, KindRefusedError,
)  # fmt: skip


def answering(
    work: Callable[[Any, Any, Connection], Awaitable[_Answer]],
) -> Callable[[Any, Any, Any], Awaitable[_Answer]]:
    """Make a method of the protocol out of work that may raise: find the connection, log, turn errors into answers."""

    async def method(self: Any, request: Any, context: Any) -> _Answer:
        started = time.monotonic()
        urn = getattr(request, "urn", "")
        try:
            return await work(self, request, self.connections.get(context.peer()))
        except _EXPECTED as error:
            log.info("%s %s: refused: %s", work.__name__, urn, type(error).__name__)
            await _abort(context, error)
        except Exception as error:  # the last frame before the wire: a defect of ours must reach the user as words
            log.exception("%s %s failed", work.__name__, urn)
            await context.abort(
                grpc.StatusCode.INTERNAL, f"defect in the stand-in provider: {type(error).__name__}: {error}"
            )
        finally:
            log.debug("%s %s: %.0f ms", work.__name__, urn, 1000 * (time.monotonic() - started))
        raise AssertionError("abort raises")

    method.__name__ = work.__name__
    return method


async def _abort(context: Any, error: Exception) -> None:
    if not isinstance(error, InitError):
        await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.identifier,
        properties=encode(error.state),
        reasons=[str(error)],
        inputs=encode(error.state["__inputs"]),
    )
    status.details.add().Pack(detail)
    trailing = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(grpc.StatusCode.UNKNOWN, str(error), trailing)
