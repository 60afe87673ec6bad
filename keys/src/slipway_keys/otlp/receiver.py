"""OTLP's service for logs on gRPC: the gateway's access log goes into the journal before it is acknowledged."""

import time
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as messages
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as services

from slipway_keys.credentials.passes import Passes
from slipway_keys.ledger.journal import Journal, JournalError
from slipway_keys.ledger.lines import encoded
from slipway_keys.otlp.records import answer, read, settlement
from slipway_keys.rules.routes import Routes
from slipway_keys.telemetry.metrics import Metrics

_MOST_BYTES = 8 * 1024 * 1024


class _Logs(services.LogsServiceServicer):
    def __init__(self, journal: Journal, passes: Passes, routes: Routes, metrics: Metrics) -> None:
        self._journal = journal
        self._passes = passes
        self._routes = routes
        self._metrics = metrics

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Take records; UNAVAILABLE when they cannot be kept, so that the gateway sends them again."""
        for records in request.resource_logs:
            for scope in records.scope_logs:
                for record in scope.log_records:
                    at = record.time_unix_nano or record.observed_time_unix_nano or time.time_ns()
                    values = read(record.attributes)
                    kind, line = settlement(values, at, self._passes)
                    if line is not None:
                        try:
                            self._journal.append(encoded(line))
                            self._keep_answer(values, line)
                        except JournalError:
                            await context.abort(grpc.StatusCode.UNAVAILABLE, "the journal is full")
                    self._metrics.record(kind)
        return messages.ExportLogsServiceResponse()

    def _keep_answer(self, values: dict[str, str], line: dict[str, object]) -> None:
        """Write down what the model answered, where feedback on it is taken."""
        model = str(line["model"])
        route = self._routes.get(model)
        if route is None or route.quality is None:
            return
        answered, left_out = answer(values, line, route.quality)
        if answered is not None:
            self._journal.append(encoded(answered))
        self._metrics.not_kept(model, left_out)


def receiver(
    journal: Journal, passes: Passes, routes: Routes, metrics: Metrics, host: str, port: int
) -> tuple[grpc.aio.Server, int]:
    """Return a server, not started yet, and its port.

    Raises:
        RuntimeError: the port cannot be had.
    """
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", _MOST_BYTES), ("grpc.so_reuseport", 0)],
        maximum_concurrent_rpcs=64,
    )
    services.add_LogsServiceServicer_to_server(_Logs(journal, passes, routes, metrics), server)  # type: ignore[no-untyped-call]
    bound = server.add_insecure_port(f"{host}:{port}")
    return server, int(bound)
