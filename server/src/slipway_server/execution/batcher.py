"""Run requests on the model in one worker thread, several in one run where the model allows it.

A request that finds the model idle runs at once; those that come while it is busy run together next. Only
when further requests are known to be on their way (accepted, body not complete yet) does an idle model wait
for them, at most `max_wait_s` from the first one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from slipway_server.backends.base import Cancellation, Session
from slipway_server.execution.rows import Outputs, run_together
from slipway_server.execution.samples import Inputs
from slipway_server.telemetry.metrics import Metrics
from slipway_server.telemetry.statistics import Statistics
from slipway_server.telemetry.traces import Ran, Trace, current_trace
from slipway_server.values.batching import Batching

# Beyond this, waiting requests would only time out later: they are sent away at once.
MAX_QUEUED = 1024


class OverloadedError(Exception):
    """The queue is full; the client may try again later."""


class Computed(NamedTuple):
    """The outputs of one request, and its share of the seconds that the run took: by rows, if others were in it.

    `releases`: of the models that a pipeline asked, by their names.
    """

    outputs: Outputs
    seconds: float
    releases: Mapping[str, str] = {}


@dataclass(slots=True, eq=False)
class _Item:
    """One waiting request. `kind` is what must be equal within a batch; None: it runs alone."""

    inputs: Inputs
    rows: int
    kind: tuple[tuple[int, ...], ...] | None
    queued_at: float
    answer: asyncio.Future[Computed]
    trace: Trace | None


@dataclass(slots=True)
class _Run:
    items: list[_Item]
    cancellation: Cancellation
    started_at: float


class Batcher:
    """The queue before one model. All methods are for the event loop's thread."""

    def __init__(self, session: Session, batching: Batching, max_wait_s: float, metrics: Metrics) -> None:
        self._session = session
        self.batching = batching
        self._max_size = batching.max_rows
        self._max_wait_s = max_wait_s
        self._metrics = metrics
        self._queue: deque[_Item] = deque()
        self._running: _Run | None = None
        self._arriving = 0
        self._next_look: asyncio.TimerHandle | asyncio.Handle | None = None
        self._loop = asyncio.get_running_loop()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        metrics.watch_queue(lambda: len(self._queue))

    @property
    def statistics(self) -> Statistics:
        """What requests and runs took since the server is ready."""
        return self._metrics.statistics

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Announce a request that will be queued soon, for as long as its inputs are being read."""
        self._arriving += 1
        started = time.monotonic()
        try:
            yield
            self.statistics.reading.add(time.monotonic() - started)
        finally:
            self._arriving -= 1
            if self._queue and not self._arriving:
                self._look_again(0)

    async def infer(self, inputs: Inputs) -> Computed:
        """Return the model's outputs for the inputs of one request, and the time that they took to compute.

        Raises:
            BadRequest: the model cannot compute these inputs.
            OverloadedError: too many are waiting.
        """
        if len(self._queue) >= MAX_QUEUED:
            raise OverloadedError
        rows, kind = self._batchable(inputs)
        item = _Item(inputs, rows, kind, time.monotonic(), self._loop.create_future(), current_trace.get())
        self._queue.append(item)
        if self._running is None and (self._next_look is None or len(self._queue) >= self._max_size):
            self._look_again(0)
        try:
            return await item.answer
        except asyncio.CancelledError:
            # Its inputs must not stay in memory until its turn comes.
            with suppress(ValueError):
                self._queue.remove(item)
            self._give_up()
            raise

    def busy_s(self) -> float:
        """Return for how many seconds the present run has been going on; 0 if there is none."""
        return time.monotonic() - self._running.started_at if self._running else 0.0

    def close(self) -> None:
        """Let the worker thread end after its present run."""
        self._worker.shutdown(wait=False)

    def _batchable(self, inputs: Inputs) -> tuple[int, tuple[tuple[int, ...], ...] | None]:
        if not self.batching.enabled:
            return 1, None
        sizes = {array.shape[0] for array in inputs.values()}
        rows = sizes.pop()
        # Nobody's rows are tried with none beside them, so a request without rows runs alone.
        if sizes or not rows or not self.batching.tried(inputs):
            return rows, None
        return rows, tuple([array.shape[1:] for array in inputs.values()])

    def _look_again(self, delay_s: float) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        # Even without delay not at once: all requests of this round of the event loop shall be in the queue.
        if delay_s > 0:
            self._next_look = self._loop.call_later(delay_s, self._start_next)
        else:
            self._next_look = self._loop.call_soon(self._start_next)

    def _start_next(self) -> None:
        self._next_look = None
        while self._queue and self._queue[0].answer.done():
            self._queue.popleft()
        if self._running is not None or not self._queue:
            return
        first = self._queue[0]
        left_s = first.queued_at + self._max_wait_s - time.monotonic()
        if self._arriving and first.kind is not None and len(self._queue) < self._max_size and left_s > 0:
            self._look_again(left_s)
            return
        self._running = _Run(self._take(), Cancellation(), time.monotonic())
        self._worker.submit(self._work, self._running)

    def _take(self) -> list[_Item]:
        """Return the next items that may run together, in the order they came."""
        items: list[_Item] = []
        rows = 0
        while self._queue:
            item = self._queue[0]
            if item.answer.done():  # its client gave up
                self._queue.popleft()
                continue
            fits = item.kind is not None and rows + item.rows <= self._max_size
            if items and not (fits and item.kind == items[0].kind):
                break
            items.append(self._queue.popleft())
            rows += item.rows
        return items

    def _give_up(self) -> None:
        """End the present run early when nobody waits for it any more."""
        if self._running and all(item.answer.done() for item in self._running.items):
            self._running.cancellation.cancel()

    def _work(self, run: _Run) -> None:
        """Compute in the worker thread, then hand the results to the event loop."""
        results: list[Outputs | Exception]
        try:
            results = run_together(self._session, [item.inputs for item in run.items], run.cancellation)
        # Whatever it is, those who wait must be told.
        except Exception as error:
            results = [error] * len(run.items)
        self._loop.call_soon_threadsafe(self._finish, run, results)

    def _finish(self, run: _Run, results: list[Outputs | Exception]) -> None:
        rows, ended_at = sum(item.rows for item in run.items), time.monotonic()
        took_s = ended_at - run.started_at
        self._metrics.batch_rows.observe(rows)
        self._metrics.inference_seconds.observe(took_s)
        self.statistics.run(rows, took_s, [run.started_at - item.queued_at for item in run.items])
        for item, result in zip(run.items, results, strict=True):
            if item.answer.done():
                continue
            if item.trace is not None:
                failed = isinstance(result, Exception)
                about = (item.rows, rows, len(run.items))
                item.trace.ran(Ran(item.queued_at, run.started_at, ended_at, *about, failed))
            if isinstance(result, Exception):
                item.answer.set_exception(result)
            else:
                share = item.rows / rows if len(run.items) > 1 else 1.0
                item.answer.set_result(Computed(result, share * took_s))
        self._running = None
        if self._queue:
            self._start_next()
