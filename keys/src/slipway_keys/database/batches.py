"""Put questions that come while one is being asked into the next one: a busy database is asked less often."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from slipway_keys.database.pool import AwayError

_MOST = 500
# After a failure, how long nobody tries again: a database that does not even refuse must not cost each call its limit.
_PAUSE_S = 1.0

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Questions of one kind, asked one batch after the other."""

    def __init__(self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], limit_s: float) -> None:
        """Let `work` answer a batch, item by item; each waits for at most `limit_s`."""
        self._work = work
        self._limit_s = limit_s
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None
        self._closed_until = 0.0

    async def ask(self, item: Item) -> Result:
        """Return the answer for one item; AwayError when the database gives none in time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._closed_until:
            raise AwayError("the database did not answer a moment ago")
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = loop.create_task(self._run())
        try:
            async with asyncio.timeout(self._limit_s):
                return await future
        except TimeoutError:
            self._closed_until = loop.time() + _PAUSE_S
            raise AwayError(f"the database did not answer within {self._limit_s} s") from None

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                batch = [(item, future) for item, future in batch if not future.done()]
                if batch:
                    await self._answer(batch)
        finally:
            self._running = None

    async def _answer(self, batch: list[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:
            if isinstance(error, AwayError):
                self._closed_until = asyncio.get_running_loop().time() + _PAUSE_S
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
