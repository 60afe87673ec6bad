"""Do what takes long or much memory outside of the event loop, one thing at a time, the cheapest first.

Reading a body of megabytes or unpacking a picture takes a multiple of its bytes for a moment. Because there is never
more than one of these moments, a fixed part of the memory is enough for all of them.
"""

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect

from slipway_server.budget import Lease, current_lease

T = TypeVar("T")

INLINE_BYTES = 64 * 2**10
"""Bodies up to this size are read on the event loop: that takes no longer than it is worth changing threads for."""


@dataclass(order=True, slots=True)
class _Job:
    cost: int
    number: int
    lease: Lease = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    done: asyncio.Future[Any] = field(compare=False)


class Heavy:
    """One thread for heavy work. All methods are for the event loop's thread."""

    def __init__(self, most: int) -> None:
        """Set how many bytes of memory one job may take."""
        self.most = most
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Job] = []
        self._busy = False
        self._count = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heavy")

    async def run(self, cost: int, work: Callable[[], T]) -> T:
        """Return what `work` returns, or raise what it raises; `cost` is its memory in bytes, at most `most`.

        Raises:
            ClientDisconnect: before its turn came, the client went away.
        """
        self._count += 1
        job = _Job(cost, self._count, current_lease(), work, self._loop.create_future())
        heapq.heappush(self._waiting, job)
        self._next()
        try:
            result: T = await job.done
        finally:
            # What a client that gave up had sent must not stay until its turn comes.
            job.work = _nothing
        return result

    def close(self) -> None:
        """Let the thread end after its present job."""
        self._thread.shutdown(wait=False)

    def _next(self) -> None:
        while not self._busy and self._waiting:
            job = heapq.heappop(self._waiting)
            if job.done.done():  # it took too long for its client
                continue
            if job.lease.gone:
                job.done.set_exception(ClientDisconnect())
                continue
            self._busy = True
            self._thread.submit(self._work, job)

    def _work(self, job: _Job) -> None:
        result: Any = None
        error: Exception | None = None
        work = job.work
        try:
            result = work()
        # Whatever it is, the one who waits must be told.
        except Exception as problem:
            error = problem
        self._loop.call_soon_threadsafe(self._finish, job, result, error)

    def _finish(self, job: _Job, result: Any, error: Exception | None) -> None:
        self._busy = False
        if not job.done.done():
            if error is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(error)
        self._next()


def _nothing() -> None:
    """Stand for work that nobody waits for any more."""
