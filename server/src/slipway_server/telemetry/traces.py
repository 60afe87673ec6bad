"""Tell what a request under way is traced by. OpenTelemetry's library is not needed here: only otlp imports it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple, Protocol


class Ran(NamedTuple):
    """How a request was computed. Times are monotonic, in seconds.

    Attributes:
        queued_at: when its inputs were there.
        started_at: when the run began that it was in.
        ended_at: when that run ended.
        rows: of the request.
        batch_rows: of all requests in the run.
        batch_requests: how many these were.
        failed: whether it has no answer.
    """

    queued_at: float
    started_at: float
    ended_at: float
    rows: int
    batch_rows: int
    batch_requests: int
    failed: bool


class Trace(Protocol):
    """One request under way. All methods are for the event loop's thread, and none of them waits or fails."""

    def ran(self, run: Ran) -> None:
        """Add the spans of its wait and of its computation."""

    def asking(self, model: str) -> AbstractContextManager[Mapping[str, str]]:
        """Add a span, as long as the block, of a question to another model; gives the headers that it has to have."""

    def end(self, name: str, status: int | None) -> None:
        """End its span; `status`: of the answer, as HTTP has it, None where none was sent."""


class Traces(Protocol):
    """What begins traces, and sends them away in the background."""

    def begin(self, headers: Mapping[str, str]) -> Trace:
        """Begin the span of a request; `headers`: its own, in lower case, as far as `CONTEXT_HEADERS` has them."""

    def close(self, limit_s: float) -> None:
        """Send what waits, for so many seconds at most; it blocks."""


CONTEXT_HEADERS = ("traceparent", "tracestate")
"""Those by which a caller says which trace its request belongs to (W3C Trace Context)."""
current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)
"""The trace of the request under way; None where nothing is traced."""


def asking(model: str) -> AbstractContextManager[Mapping[str, str]]:
    """As `Trace.asking`, for the request under way; no headers where nothing is traced."""
    trace = current_trace.get()
    return nullcontext({}) if trace is None else trace.asking(model)
