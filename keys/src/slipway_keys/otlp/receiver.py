"""OTLP's service for logs on gRPC: the gateway's access log goes into the journal before it is acknowledged."""

import time
from collections.abc import Callable
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as messages
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as services

from slipway_keys.credentials.passes import Passes
from slipway_keys.ledger.journal import Journal, JournalError
from slipway_keys.ledger.lines import encoded
from slipway_keys.otlp.records import settlement

_MOST_BYTES = 8 * 1024 * 1024


class _Logs(services.LogsServiceServicer):
    def __init__(self, journal: Journal, passes: Passes, count: Callable[[str], None]) -> None:
        self._journal = journal
        self._passes = passes
        self._count = count

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Take records; UNAVAILABLE when they cannot be kept, so that the gateway sends them again."""
        for records in request.resource_logs:
            for scope in records.scope_logs:
                for record in scope.log_records:
                    at = record.time_unix_nano or record.observed_time_unix_nano or time.time_ns()
                    kind, line = settlement(record.attributes, at, self._passes)
                    if line is not None:
                        try:
                            self._journal.append(encoded(line))
                        except JournalError:
                            await context.abort(grpc.StatusCode.UNAVAILABLE, "the journal is full")
                    self._count(kind)
        return messages.ExportLogsServiceResponse()


def receiver(
    journal: Journal, passes: Passes, count: Callable[[str], None], host: str, port: int
) -> tuple[grpc.aio.Server, int]:
    """Return a server, not started yet, and its port.

    Raises:
        RuntimeError: the port cannot be had.
    """
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", _MOST_BYTES), ("grpc.so_reuseport", 0)],
        maximum_concurrent_rpcs=64,
    )
    services.add_LogsServiceServicer_to_server(_Logs(journal, passes, count), server)  # type: ignore[no-untyped-call]
    bound = server.add_insecure_port(f"{host}:{port}")
    return server, int(bound)
