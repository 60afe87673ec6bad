"""Do what takes long or much memory outside of the event loop, one thing at a time, the cheapest first.

Reading a body of megabytes or unpacking a picture takes a multiple of its bytes for a moment. Because there is never
more than one of these moments, a fixed part of the memory is enough for all of them.
"""

import asyncio
import heapq
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect

from slipway_server.memory.budget import Lease, current_lease

T = TypeVar("T")

INLINE_BYTES = 64 * 2**10
"""Bodies up to this size are read on the event loop: that takes no longer than it is worth changing threads for."""

_REST_S = 0.05


@dataclass(order=True, slots=True)
class _Job:
    cost: int
    number: int
    lease: Lease = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    done: asyncio.Future[Any] = field(compare=False)


class Heavy:
    """One thread for heavy work, which takes the next job by itself: rounds of a busy event loop take too long."""

    def __init__(self, most: int) -> None:
        """Set how many bytes of memory one job may take."""
        self.most = most
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._count = 0
        threading.Thread(target=self._work, name="heavy", daemon=True).start()

    async def run(self, cost: int, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises; `cost` is its memory in bytes, at most `most`.

        Raises:
            ClientDisconnect: before its turn came, the client went away.
        """
        self._count += 1
        job = _Job(cost, self._count, current_lease(), work, self._loop.create_future())
        with self._changed:
            heapq.heappush(self._waiting, job)
            self._changed.notify()
        try:
            result: T = await job.done
        finally:
            # What a client that gave up had sent must not stay until its turn comes.
            job.work = _nothing
        return result

    def close(self) -> None:
        """Let the thread end after its present job."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            result: Any = None
            error: Exception | None = None
            started = time.monotonic()
            try:
                result = job.work()
            # Whatever it is, the one who waits must be told.
            except Exception as problem:
                error = problem
            self._tell(job, result, error)
            del job, result, error
            if self._waiting:
                # Most of the work holds Python's lock: the event loop gets as much time with it as the work took.
                time.sleep(min(_REST_S, time.monotonic() - started))

    def _next(self) -> _Job | None:
        """Return the cheapest job whose client still waits; None when closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return None
                job = heapq.heappop(self._waiting)
            if not job.lease.gone:
                return job
            self._tell(job, None, ClientDisconnect())

    def _tell(self, job: _Job, result: Any, error: Exception | None) -> None:
        def finish() -> None:
            if job.done.done():
                return
            if error is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(error)

        # A loop that was closed has nobody left who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(finish)


def _nothing() -> None:
    """Stand for work that nobody waits for any more."""
