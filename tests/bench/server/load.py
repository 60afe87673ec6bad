"""Ask one server the same request over and over from several connections, each waiting for its answer.

A loop over epoll on raw sockets: a few microseconds per request, so that one core of Python is enough to keep
a server on another core busy; the share of its core that it used is measured and given beside the result.
"""

import asyncio
import select
import socket
import statistics
import time
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

from tests.bench.server.requests import INFER

_PIECE = 1 << 16
ANSWER_S = 20.0


class LoadError(Exception):
    """The server closed a connection or answered with something else than 200."""


@dataclass(frozen=True)
class Load:
    """What came out: requests per second, latency in ms, and the client's share of its core (0..1)."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    client_cpu: float


@dataclass
class _Connection:
    sock: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


def ask_once(port: int, request: bytes, timeout_s: float = 10.0) -> bytes:
    """Return the body of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as sock:
        sock.sendall(request)
        received = b""
        while (body := _complete(received)) is None:
            piece = sock.recv(_PIECE)
            if not piece:
                raise LoadError(f"connection closed after {received[:200]!r}")
            received += piece
        return body


def ask_grpc_once(port: int, message: bytes, timeout_s: float = 10.0) -> bytes:
    """Return the message that answers one call."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            call: Any = channel.unary_unary(INFER)
            return bytes(call(message, timeout=timeout_s))
        except grpc.RpcError as error:
            raise LoadError(str(error)) from None


async def closed_loop_of_grpc(port: int, message: bytes, connections: int, seconds: float) -> Load:
    """Do as `closed_loop` with calls over gRPC, by its own library, which costs this client more than HTTP."""
    latencies: list[float] = []
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(connections)]
    cpu, begin = time.process_time(), time.perf_counter()

    async def one(channel: grpc.aio.Channel) -> None:
        call: Any = channel.unary_unary(INFER)
        while (sent := time.perf_counter()) < begin + seconds:
            await call(message, timeout=ANSWER_S)
            latencies.append(time.perf_counter() - sent)

    try:
        await asyncio.gather(*(one(channel) for channel in channels))
    except grpc.RpcError as error:
        raise LoadError(str(error)) from None
    finally:
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        await asyncio.gather(*(channel.close() for channel in channels))
    centiles = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / wall, centiles[49] * 1e3, centiles[98] * 1e3, cpu / wall)


def closed_loop(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Keep `connections` requests in flight for `seconds`, and tell what the server managed.

    Raises:
        LoadError: an answer is not 200, or a connection was closed.
    """
    poll = select.epoll()
    by_number: dict[int, _Connection] = {}
    latencies: list[float] = []
    try:
        for _ in range(connections):
            sock = socket.create_connection(("127.0.0.1", port), 10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            by_number[sock.fileno()] = _Connection(sock)
            poll.register(sock, select.EPOLLIN)
        cpu = time.process_time()
        begin = time.perf_counter()
        end = begin + seconds
        for connection in by_number.values():
            connection.sent_at = time.perf_counter()
            connection.sock.sendall(request)
        while (now := time.perf_counter()) < end:
            for number, _ in poll.poll(max(0.0, end - now)):
                _turn(by_number[number], request, latencies)
        wall = time.perf_counter() - begin
        cpu = time.process_time() - cpu
    finally:
        poll.close()
        for connection in by_number.values():
            connection.sock.close()
    centiles = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / wall, centiles[49] * 1e3, centiles[98] * 1e3, cpu / wall)


def _turn(connection: _Connection, request: bytes, latencies: list[float]) -> None:
    piece = connection.sock.recv(_PIECE)
    if not piece:
        raise LoadError(f"connection closed after {connection.received[:200]!r}")
    connection.received += piece
    if _complete(connection.received) is None:
        return
    now = time.perf_counter()
    latencies.append(now - connection.sent_at)
    connection.received = b""
    connection.sent_at = now
    connection.sock.sendall(request)


def _complete(received: bytes) -> bytes | None:
    """Return the answer's body once all of it is there."""
    head, gap, body = received.partition(b"\r\n\r\n")
    if not gap:
        return None
    if not head.startswith(b"HTTP/1.1 200"):
        raise LoadError(f"answer: {received[:300]!r}")
    _, _, rest = head.lower().partition(b"content-length:")
    length = int(rest.partition(b"\r\n")[0])
    return body if len(body) >= length else None
