"""A TCP port of loopback that leads to a container; where to changes between two connections, never within one."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from slipway_edge.values.errors import Away

_BUFFER = 64 * 1024
_CONNECT_S = 5.0
_CALL_S = 10.0
_Value = TypeVar("_Value")


class Forwarder:
    """All local ports of a device, in a thread of its own. Open connections stay with the version that they have."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._targets: dict[int, tuple[str, int]] = {}
        self._servers: dict[int, asyncio.Server] = {}
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        self._thread.start()

    def lead(self, port: int, address: tuple[str, int]) -> None:
        """New connections to the port go to this address.

        Raises:
            Away: something else listens on the port.
        """
        self._targets[port] = address
        if port not in self._servers:
            try:
                self._servers[port] = self._called(asyncio.start_server(self._accepted_at(port), self._host, port))
            except OSError as error:
                del self._targets[port]
                raise Away(f"cannot listen on {self._host}:{port}: {error.strerror}") from None

    def leads(self, port: int) -> tuple[str, int] | None:
        """Where the port leads; None: nowhere."""
        return self._targets.get(port)

    def close(self, port: int) -> None:
        """Nothing listens on the port any more; connections that are open go on."""
        self._targets.pop(port, None)
        server = self._servers.pop(port, None)
        if server is not None:
            self._loop.call_soon_threadsafe(server.close)

    def end(self) -> None:
        """Close all ports and end the thread."""
        for port in list(self._servers):
            self.close(port)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)

    def _run(self) -> None:
        self._loop.run_forever()
        open_ones = asyncio.all_tasks(self._loop)
        for task in open_ones:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*open_ones, return_exceptions=True))
        self._loop.close()

    def _called(self, coroutine: Coroutine[Any, Any, _Value]) -> _Value:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CALL_S)

    def _accepted_at(self, port: int) -> Any:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            target = self._targets.get(port)
            try:
                if target is None:
                    return
                async with asyncio.timeout(_CONNECT_S):
                    there, back = await asyncio.open_connection(*target)
                try:
                    await asyncio.gather(_copied(reader, back), _copied(there, writer))
                finally:
                    back.close()
            except (OSError, TimeoutError):
                pass  # the client sees its connection close, as it would without us
            finally:
                writer.close()

        return accepted


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_BUFFER):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
