"""The port that calls are mirrored to: bounded in every way, it never waits and never says more than 200 or 503."""

import asyncio
from typing import Any

import pytest
from prometheus_client import generate_latest
from slipway_judge.receiving.app import Mirrored
from slipway_judge.replaying.call import Call
from slipway_judge.replaying.replayer import Bounds
from slipway_judge.telemetry.metrics import Metrics


class Slow:
    """Stands in for the replayer: keeps each call until `done`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.done = asyncio.Event()

    async def replay(self, call: Call) -> None:
        self.calls.append(call)
        await self.done.wait()


def scope(
    path: str = "/predict", method: str = "POST", length: int | None = None, query: bytes = b""
) -> dict[str, Any]:
    headers = [(b"x-slipway-pass", b"signed")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": headers,
    }


class Port:
    """The application with a replayer, and how it answers."""

    def __init__(self, replayer: Any, bounds: Bounds, body_limit: int = 100) -> None:
        self.metrics, self.bounds = Metrics(), bounds
        self._app = Mirrored(lambda: replayer, self.metrics, bounds, body_limit)

    async def call(self, pieces: list[bytes] | None, **about: Any) -> int:
        """Send a body piece by piece, None for a connection that breaks off; return the status."""
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces or []]
        if pieces is None:
            messages = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
        else:
            messages.append({"type": "http.request", "body": b"", "more_body": False})
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope(**about), receive, send)
        await asyncio.sleep(0)
        return int(sent[0]["status"])

    def outcomes(self) -> dict[str, float]:
        lines = generate_latest(self.metrics.registry).decode().splitlines()
        found = [line for line in lines if line.startswith("slipway_judge_mirrored_calls_total{")]
        return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in found}


def test_a_call_is_answered_before_it_was_replayed_and_keeps_body_query_and_pass() -> None:
    async def run() -> None:
        replayer = Slow()
        port = Port(replayer, Bounds())
        assert await port.call([b"ab", b"c"], length=3, query=b"a=1") == 200
        (call,) = replayer.calls
        assert (call.path, call.body, call.headers[0]) == ("/predict?a=1", b"abc", (b"x-slipway-pass", b"signed"))
        assert (port.bounds.calls, port.bounds.size) == (1, 3)
        replayer.done.set()
        await asyncio.sleep(0.01)
        assert (port.bounds.calls, port.bounds.size) == (0, 0)

    asyncio.run(run())


def test_what_is_too_much_at_once_is_dropped_and_counted() -> None:
    async def run() -> None:
        replayer = Slow()
        port = Port(replayer, Bounds(calls=2, size=50))
        said = [await port.call([b"x" * size], length=size) for size in (40, 20, 10, 1)]
        assert said == [200, 503, 200, 503]
        assert port.outcomes() == {"replayed": 2, "too_many": 2}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("about", "pieces", "outcome"),
    [
        ({"length": 101}, [b"x" * 101], "too_long"),
        ({}, [b"x" * 60, b"x" * 60], "not_whole"),
        ({"length": 5}, None, "not_whole"),
        ({"method": "GET"}, [], "not_the_model"),
        ({"path": "/metrics"}, [], "not_the_model"),
        ({"path": "/v2/models/digits/versions/1/infer"}, [], "version"),
    ],
)
def test_what_is_dropped_says_why_and_takes_no_room(about: dict[str, Any], pieces: Any, outcome: str) -> None:
    async def run() -> None:
        replayer = Slow()
        port = Port(replayer, Bounds())
        assert await port.call(pieces, **about) == 503
        assert (port.outcomes(), port.bounds.calls, port.bounds.size) == ({outcome: 1}, 0, 0)
        assert replayer.calls == []

    asyncio.run(run())


def test_a_body_whose_length_nobody_says_counts_as_the_longest() -> None:
    async def run() -> None:
        port = Port(Slow(), Bounds(size=150))
        assert [await port.call([b"x"]), await port.call([b"x"])] == [200, 503]

    asyncio.run(run())


def test_nothing_is_taken_in_while_nothing_is_judged() -> None:
    async def run() -> None:
        port = Port(None, Bounds())
        assert await port.call([b"x"], length=1) == 503
        assert port.outcomes() == {"not_judging": 1}

    asyncio.run(run())
