"""Say over HTTP, for a while, why the server does not become ready, where its end alone would be a riddle."""

import asyncio
import signal
from http import HTTPStatus

import orjson

_LIMIT_S = 15.0
"""Long enough for a person or a probe to read it, and short beside what Kubernetes waits before it starts anew."""
_HEAD_BYTES = 8 * 2**10
_HEAD_S = 5.0


def tell(host: str, port: int, reason: str, limit_s: float = _LIMIT_S) -> None:
    """Answer every request with 503 and the reason, until `limit_s` have passed or somebody stops the process.

    A port that cannot be had changes nothing: the reason is in the log as well.
    """
    asyncio.run(_tell(host, port, reason, limit_s))


async def _tell(host: str, port: int, reason: str, limit_s: float) -> None:
    body = orjson.dumps({"error": reason})
    status = HTTPStatus.SERVICE_UNAVAILABLE
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
    answer = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    try:
        server = await asyncio.start_server(serve, host, port, limit=_HEAD_BYTES)
    except OSError:
        return
    try:
        async with asyncio.timeout(limit_s):
            await stopped.wait()
    except TimeoutError:
        return
    finally:
        server.close()
