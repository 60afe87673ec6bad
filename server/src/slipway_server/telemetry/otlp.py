"""Make the spans of requests, and send them to a collector over OTLP/HTTP, by OpenTelemetry's library.

Spans wait in a queue of a fixed length, which a thread of its own empties. What finds it full, or what the collector
does not take, is dropped and counted: no request ever waits for a collector.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import requests
from opentelemetry.context.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from slipway_server.telemetry.traces import Ran

QUEUE = 2048
"""Spans that wait at most; a request has three."""
_BATCH = 512
_EVERY_MS = 1000
_EXPORT_S = 5.0
"""A collector that has not taken a batch after so long, tries again included, does not get it any more."""
_LEAST_ERROR = 500
_PROPAGATOR = TraceContextTextMapPropagator()


class _Counted(SpanExporter):
    """An exporter that counts what it was given, and what the collector took. Only the sending thread calls it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.given = 0
        self.sent = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            # Whatever happened: what was given waits no longer.
            self.given += len(spans)
            self.sent += len(spans) if result is SpanExportResult.SUCCESS else 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Bounded(SpanProcessor):
    """Before the library's queue, which drops without saying how many."""

    def __init__(self, exporter: _Counted) -> None:
        self._exporter = exporter
        # A batch under way counts as waiting, so this one is never full.
        self._queue = BatchSpanProcessor(exporter, QUEUE, _EVERY_MS, _BATCH)
        self._queued = 0
        self.refused = 0

    def on_end(self, span: ReadableSpan) -> None:
        if self._queued - self._exporter.given >= QUEUE:
            self.refused += 1
            return
        self._queued += 1
        self._queue.on_end(span)

    def shutdown(self) -> None:
        self._queue.shutdown()  # type: ignore[no-untyped-call]


class OtlpTraces:
    """See `Traces` for what each method is."""

    def __init__(self, endpoint: str, share: float, about: Mapping[str, str]) -> None:
        """Nothing is sent yet.

        Args:
            endpoint: URL that spans are posted to.
            share: of requests that no caller has decided about, which are traced.
            about: what is told of this server with all of its spans.
        """
        session = requests.Session()
        # No proxy and no password of the environment: a collector is in the same cluster.
        session.trust_env = False
        self._exporter = _Counted(
            OTLPSpanExporter(endpoint, headers={}, timeout=_EXPORT_S, compression=Compression.Gzip, session=session)
        )
        self._bounded = _Bounded(self._exporter)
        sampler = ParentBased(TraceIdRatioBased(share))
        provider = TracerProvider(sampler, Resource(dict(about)), shutdown_on_exit=False)
        provider.add_span_processor(self._bounded)
        self._tracer = provider.get_tracer("slipway_server")

    def begin(self, headers: Mapping[str, str]) -> "_Trace":
        """Begin the span of a request, in the trace that its headers name, if they name one."""
        parent = _PROPAGATOR.extract(headers, Context())
        return _Trace(self._tracer, self._tracer.start_span("request", parent, SpanKind.SERVER))

    def counts(self) -> Mapping[str, int]:
        """Return how many spans were sent, and how many dropped."""
        given, sent = self._exporter.given, self._exporter.sent
        return {"sent": sent, "dropped": self._bounded.refused + given - sent}

    def close(self, limit_s: float) -> None:
        """Send what waits, for so many seconds at most; what is left then is dropped."""
        ending = threading.Thread(target=self._bounded.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(limit_s)
        if ending.is_alive():
            # It gives up what it is trying, and all that still waits.
            self._exporter.shutdown()


class _Trace:
    """See `Trace` for what each method is."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        self._context = set_span_in_context(span, Context())
        # Durations by a clock that nobody sets.
        self._began_ns, self._began_s = time.time_ns(), time.monotonic()

    def ran(self, run: Ran) -> None:
        if not self._span.is_recording():
            return
        waited = self._tracer.start_span("queue", self._context, start_time=self._at(run.queued_at))
        waited.end(self._at(run.started_at))
        said = {
            "slipway.rows": run.rows,
            "slipway.batch.rows": run.batch_rows,
            "slipway.batch.requests": run.batch_requests,
        }
        computed = self._tracer.start_span(
            "compute", self._context, attributes=said, start_time=self._at(run.started_at)
        )
        if run.failed:
            computed.set_status(Status(StatusCode.ERROR))
        computed.end(self._at(run.ended_at))

    @contextmanager
    def asking(self, model: str) -> Iterator[Mapping[str, str]]:
        span = self._tracer.start_span(f"ask {model}", self._context, SpanKind.CLIENT, {"slipway.model": model})
        headers: dict[str, str] = {}
        _PROPAGATOR.inject(headers, set_span_in_context(span, Context()))
        try:
            yield headers
        except BaseException:
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    def end(self, name: str, status: int | None) -> None:
        self._span.update_name(name)
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if status is None or status >= _LEAST_ERROR:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()

    def _at(self, monotonic_s: float) -> int:
        return self._began_ns + int((monotonic_s - self._began_s) * 1e9)
