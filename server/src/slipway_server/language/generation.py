"""Let requests wait for a slot of the engine, hand their answers on piece by piece, and count what that took."""

import asyncio
import time
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from slipway_server.language.engine import Engine, EngineRefused
from slipway_server.protocol.language import Ask
from slipway_server.telemetry.language import LanguageMetrics
from slipway_server.values.language import LanguageSection

WAITING_PER_SLOT = 32
"""Requests that may wait for each slot; more are told to come again."""


class Overloaded(Exception):
    """Too many requests are waiting."""


@dataclass(slots=True, eq=False)
class _Run:
    """A request under way: when it came, when it began, and whether nobody wants its answer any more."""

    came_at: float
    began_at: float | None = None
    given_up: Event = field(default_factory=Event)


class Generator:
    """Answers requests, as many at a time as there are slots; all methods are for the event loop's thread.

    Attributes:
        metrics: where answers are counted; None before the golden request was answered, which is nobody's.
    """

    def __init__(self, engine: Engine, section: LanguageSection) -> None:
        self._engine = engine
        self._context = section.context
        self._most_waiting = WAITING_PER_SLOT * section.slots
        self.metrics: LanguageMetrics | None = None
        self._threads = ThreadPoolExecutor(section.slots, "llama")
        self._runs: set[_Run] = set()

    @property
    def waiting(self) -> int:
        """Requests that have no slot yet."""
        return sum(run.began_at is None for run in list(self._runs))

    def busy_s(self) -> float:
        """Seconds for which the request that has run longest has been running."""
        begun = [run.began_at for run in list(self._runs) if run.began_at is not None]
        return time.monotonic() - min(begun) if begun else 0.0

    async def pieces(self, ask: Ask, adapter: str | None) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the pieces of an answer, as OpenAI's API has them; the last one has `usage`.

        Whoever stops asking for pieces ends the run.

        Raises:
            Overloaded: too many are waiting.
            EngineRefused: the engine does not answer.
        """
        if self.waiting >= self._most_waiting:
            raise Overloaded
        loop = asyncio.get_running_loop()
        ready: asyncio.Queue[dict[str, Any] | EngineRefused | None] = asyncio.Queue()
        run = _Run(time.monotonic())
        self._runs.add(run)
        work = self._threads.submit(self._run, run, ask, adapter, loop, ready)
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(self._over, run, done, ready))
        try:
            while (piece := await ready.get()) is not None:
                if isinstance(piece, EngineRefused):
                    raise piece
                yield piece
        finally:
            run.given_up.set()
            work.cancel()

    def close(self) -> None:
        """Take no more requests; what is running ends at its next piece."""
        for run in list(self._runs):
            run.given_up.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _over(self, run: _Run, done: "Future[None]", ready: "asyncio.Queue[Any]") -> None:
        self._runs.discard(run)
        error = None if done.cancelled() else done.exception()
        if isinstance(error, EngineRefused):
            ready.put_nowait(error)
        elif error is not None:
            ready.put_nowait(EngineRefused(f"the engine failed: {error!r}", 500))
        ready.put_nowait(None)

    def _run(
        self,
        run: _Run,
        ask: Ask,
        adapter: str | None,
        loop: asyncio.AbstractEventLoop,
        ready: "asyncio.Queue[Any]",
    ) -> None:
        """Ask the engine, in a thread of its own."""
        run.began_at = time.monotonic()
        first_at: float | None = None

        def on_piece(piece: dict[str, Any]) -> bool:
            nonlocal first_at
            now = time.monotonic()
            if first_at is None and _says_something(piece):
                first_at = now
                if self.metrics is not None:
                    self.metrics.first_token(now - run.came_at)
            usage = piece.get("usage")
            if usage and self.metrics is not None:
                took_s = now - first_at if first_at is not None else 0.0
                self.metrics.answered(usage["prompt_tokens"], usage["completion_tokens"], took_s)
            loop.call_soon_threadsafe(ready.put_nowait, piece)
            return run.given_up.is_set()

        most = min(ask.most or self._context, self._context)
        self._engine.ask(ask.kind, {**ask.body, "max_tokens": most}, adapter, on_piece)


def _says_something(piece: dict[str, Any]) -> bool:
    return any(one.get("text") or (one.get("delta") or {}).get("content") for one in piece.get("choices") or ())


async def whole(pieces: AsyncGenerator[dict[str, Any], None]) -> dict[str, Any]:
    """Return an answer put together from its pieces, as OpenAI's API gives one that is not streamed."""
    answer: dict[str, Any] = {}
    texts: list[str] = []
    thoughts: list[str] = []
    finish = None
    async with aclosing(pieces) as every:
        async for piece in every:
            answer = answer or {key: piece[key] for key in ("id", "created", "object") if key in piece}
            for choice in piece.get("choices") or ():
                delta = choice.get("delta") or {}
                texts.append(choice.get("text") or delta.get("content") or "")
                thoughts.append(delta.get("reasoning_content") or "")
                finish = choice.get("finish_reason") or finish
            if usage := piece.get("usage"):
                answer["usage"] = usage
    said: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": None}
    if answer.get("object") == "chat.completion.chunk":
        answer["object"] = "chat.completion"
        said["message"] = {"role": "assistant", "content": "".join(texts)}
        if any(thoughts):
            said["message"]["reasoning_content"] = "".join(thoughts)
    else:
        said["text"] = "".join(texts)
    return answer | {"choices": [said]}
