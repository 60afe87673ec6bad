"""A proxy on this machine's loopback: connections to one host go through a tunnel, and all others straight on."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from slipway.errors.base import SlipwayError

_HEAD_MOST = 16 * 2**10
_HEAD_S = 10.0
_CONNECT_S = 15.0
_CHUNK = 64 * 2**10
_REQUEST = re.compile(rb"CONNECT \[?([A-Za-z0-9.:_-]+?)\]?:([0-9]{1,5}) HTTP/1\.[01]\r\n")

PortTo = Callable[[str], Awaitable[int | None]]
"""The port of this machine that leads to a host through the tunnel; None for a host that it does not lead to."""


@asynccontextmanager
async def proxy(port_to: PortTo, tell: Callable[[str], None]) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port. `tell` gets why a connection through the tunnel failed."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        work = asyncio.create_task(_serve(reader, writer, port_to, tell))
        serving.add(work)
        # One that fails: whoever asked is gone, or what was asked; one that is cancelled: the tunnel ends.
        await asyncio.wait([work])
        serving.discard(work)
        writer.close()
        error = None if work.cancelled() else work.exception()
        if error is not None and not isinstance(error, OSError | EOFError):
            raise error

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEAD_MOST)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        # Connections that are open, such as a watch, would keep it from ending.
        for work in serving:
            work.cancel()


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port_to: PortTo, tell: Callable[[str], None]
) -> None:
    try:
        async with asyncio.timeout(_HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.LimitOverrunError):
        return await _answer(writer, 400, "the request has no end")
    asked = _REQUEST.match(head)
    if asked is None:
        return await _answer(writer, 405, "only CONNECT is known here")
    host, port = asked[1].decode(), int(asked[2])
    try:
        through = await port_to(host)
    except SlipwayError as error:
        tell(str(error))
        return await _answer(writer, 502, "the tunnel is not open")
    try:
        async with asyncio.timeout(_CONNECT_S):
            there = await asyncio.open_connection(*(("127.0.0.1", through) if through else (host, port)))
    except (OSError, TimeoutError) as error:
        return await _answer(writer, 502, " ".join(str(error).split()) or type(error).__name__)
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await _both_ways((reader, writer), there)
    return None


async def _answer(writer: asyncio.StreamWriter, status: int, reason: str) -> None:
    writer.write(f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(one: Ends, other: Ends) -> None:
    """Pass on what comes from each end, until both have nothing more to say or one is gone."""
    try:
        await asyncio.gather(_pass_on(one[0], other[1]), _pass_on(other[0], one[1]))
    finally:
        other[1].close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
