"""Stand between a device and the SuperLink, and keep every byte that passes."""

import socket
import threading
from types import TracebackType
from typing import Self


class Wire:
    """A TCP relay on a loopback port; `sent` is what came from the device, `received` what went to it."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.sent, self.received = bytearray(), bytearray()

    @property
    def address(self) -> str:
        """Where the device finds the SuperLink: host:port."""
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                device, _ = self._listening.accept()
            except OSError:
                return  # closed
            link = socket.create_connection(self._to)
            for source, target, kept in ((device, link, self.sent), (link, device, self.received)):
                threading.Thread(target=_relay, args=(source, target, kept), daemon=True).start()


def _relay(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    try:
        while data := source.recv(65536):
            kept += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # either side is gone, and the other one notices
