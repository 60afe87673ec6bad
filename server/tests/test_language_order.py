"""Requests of a language model wait for slots, and each piece leaves before the next one is made."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slipway_server.language.engine import EngineRefused
from slipway_server.language.generation import WAITING_PER_SLOT, Generator, Overloaded, whole
from slipway_server.protocol.language import Ask, parse_ask
from slipway_server.values.language import LanguageSection

LIMIT_S = 30
ASK = parse_ask("chat", {"messages": [{"role": "user", "content": "x"}], "stream": True})


class Engine:
    """A stand-in that makes a piece when it is told to, and refuses what it is told to refuse; it knows no language."""

    def __init__(self) -> None:
        self.go_on = threading.Semaphore(0)
        self.made = 0
        self.running = 0
        self.refuse: str | None = None

    def ask(self, kind: str, body: Mapping[str, Any], adapter: str | None, on_piece: Callable[[Any], bool]) -> None:
        self.running += 1
        try:
            while True:
                assert self.go_on.acquire(timeout=LIMIT_S)
                if self.refuse is not None:
                    raise EngineRefused(self.refuse, 500)
                self.made += 1
                if on_piece({"choices": [{"index": 0, "delta": {"content": str(self.made)}}]}):
                    return
        finally:
            self.running -= 1

    def close(self) -> None:
        """Nothing to give back."""


@asynccontextmanager
async def generating(slots: int = 1) -> AsyncIterator[tuple[Engine, Generator]]:
    engine = Engine()
    generator = Generator(engine, LanguageSection(slots=slots, context=64))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(LIMIT_S):
            yield engine, generator
    finally:
        for _ in range(1000):
            engine.go_on.release()
        await asyncio.to_thread(generator.close)


def text(piece: dict[str, Any]) -> str:
    return str(piece["choices"][0]["delta"]["content"])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not true():
            await asyncio.sleep(0.001)


def test_each_piece_is_there_before_the_next_is_made() -> None:
    async def run() -> None:
        async with generating() as (engine, generator):
            pieces = generator.pieces(ASK, None)
            for number in (1, 2, 3):
                engine.go_on.release()
                assert text(await anext(pieces)) == str(number)
                assert engine.made == number
            await pieces.aclose()

    asyncio.run(run())


def test_nobody_who_left_holds_a_slot() -> None:
    async def run() -> None:
        async with generating() as (engine, generator):
            first, second = generator.pieces(ASK, None), generator.pieces(ASK, None)
            engine.go_on.release()
            await anext(first)
            waiting = asyncio.ensure_future(anext(second))
            await until(lambda: generator.waiting == 1)
            await first.aclose()
            engine.go_on.release()
            engine.go_on.release()
            await waiting
            assert (engine.running, generator.waiting) == (1, 0)
            await second.aclose()

    asyncio.run(run())


def test_who_leaves_while_waiting_is_never_answered() -> None:
    async def run() -> None:
        async with generating() as (engine, generator):
            first = generator.pieces(ASK, None)
            engine.go_on.release()
            await anext(first)
            waiting = asyncio.ensure_future(anext(generator.pieces(ASK, None)))
            await until(lambda: generator.waiting == 1)
            waiting.cancel()
            await until(lambda: generator.waiting == 0)
            assert engine.made == 1
            await first.aclose()

    asyncio.run(run())


def test_more_than_may_wait_are_told_to_come_again() -> None:
    async def run() -> None:
        async with generating() as (_, generator):
            asked = [asyncio.ensure_future(anext(generator.pieces(ASK, None))) for _ in range(WAITING_PER_SLOT + 1)]
            await until(lambda: generator.waiting == WAITING_PER_SLOT)
            with pytest.raises(Overloaded):
                await anext(generator.pieces(ASK, None))
            for one in asked:
                one.cancel()

    asyncio.run(run())


def test_a_refusal_in_the_middle_ends_the_answer() -> None:
    async def run() -> None:
        async with generating() as (engine, generator):
            pieces = generator.pieces(ASK, None)
            engine.go_on.release()
            await anext(pieces)
            engine.refuse = "no memory"
            engine.go_on.release()
            with pytest.raises(EngineRefused, match="no memory"):
                await anext(pieces)

    asyncio.run(run())


def test_pieces_are_put_together_with_what_a_model_thought() -> None:
    async def pieces() -> AsyncGenerator[dict[str, Any], None]:
        head = {"id": "x", "created": 1, "object": "chat.completion.chunk"}
        yield head | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]}
        yield head | {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]}
        yield head | {"choices": [{"index": 0, "delta": {"content": "yes"}}]}
        yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        yield head | {"choices": [], "usage": {"total_tokens": 3}}

    answer = asyncio.run(whole(pieces()))
    said = {"role": "assistant", "content": "yes", "reasoning_content": "hm"}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": said}
    assert answer == {
        "id": "x",
        "created": 1,
        "object": "chat.completion",
        "usage": {"total_tokens": 3},
        "choices": [choice],
    }
    assert json.dumps(answer)


def test_a_developer_is_heard_as_the_system() -> None:
    body = {
        "messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    }
    asked: Ask = parse_ask("chat", body)
    assert asked.body["messages"] == [{"role": "system", "content": "ab"}]
