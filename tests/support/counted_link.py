"""A link that is cut: a forwarder on loopback that counts what it carries, and ends connections after so many bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

_BLOCK = 16 * 2**10


class CountedLink:
    """Forwards to a port of loopback while the block runs; `cuts`: after how many bytes towards the device, in turn."""

    def __init__(self, port: int, cuts: Iterator[int]) -> None:
        """Nothing listens yet."""
        self._to, self._cuts, self._lock = port, cuts, threading.Lock()
        self._left = next(cuts, None)
        self.down = 0
        """Bytes that were carried to the device, headers of HTTP too."""
        self.up = 0
        """Bytes that were carried from it."""
        self.cut = 0
        """How often it was cut."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                device, _ = self._listener.accept()
            except OSError:
                return
            control = socket.create_connection(("127.0.0.1", self._to))
            for pump in (self._carry_up, self._carry_down):
                threading.Thread(target=pump, args=(device, control), daemon=True).start()

    def _carry_up(self, device: socket.socket, control: socket.socket) -> None:
        try:
            while data := device.recv(_BLOCK):
                self.up += len(data)
                control.sendall(data)
        except OSError:
            pass
        finally:
            control.close()

    def _carry_down(self, device: socket.socket, control: socket.socket) -> None:
        try:
            while data := control.recv(_BLOCK):
                with self._lock:
                    cut = self._left is not None and len(data) >= self._left
                    carried = data[: self._left] if cut else data
                    self.down += len(carried)
                    self._left = next(self._cuts, None) if cut else self._less(len(data))
                device.sendall(carried)
                if cut:
                    self.cut += 1
                    break
        except OSError:
            pass
        finally:
            # Closing alone would wait for the other thread, which reads from it.
            for end in (device, control):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            device.close()

    def _less(self, carried: int) -> int | None:
        return None if self._left is None else self._left - carried
