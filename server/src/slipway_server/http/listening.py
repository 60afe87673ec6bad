"""Accept connections, many at a time.

uvloop accepts one in each round of the event loop. While rounds take 10 ms because there is much to do, a client would
wait for all that came before it: with a thousand of them for 10 s.
"""

import asyncio
import socket
from collections.abc import Callable

from slipway_server.telemetry.log import log

_BACKLOG = 2048
_AT_ONCE = 64
_PAUSE_S = 0.1


class Listener:
    """A listening socket, and the connections that are being made of what it accepts."""

    def __init__(self, host: str, port: int, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Listen; OSError when that cannot be. `protocol` makes what serves a connection."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._go_on()

    def close(self) -> None:
        """Accept no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no file descriptor or no memory for it: there may be later
                log("no connection accepted", reason=str(error))
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(_PAUSE_S, self._go_on)
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task: asyncio.Task[object] = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, accepted)
            )
            self._opening.add(task)
            task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[object]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log("connection not opened", reason=str(error))
