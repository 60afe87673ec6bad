"""Connect to loopback as another user of the machine; needs root."""

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Iterator

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a socket that another user owns")


def connected(port: int, uid: int) -> socket.socket:
    """A socket of `uid` that is connected to the port of 127.0.0.1. Raises OSError.

    The kernel asks for the user of the thread, which is another's for these two calls only.
    """
    libc = ctypes.CDLL(None)
    libc.setfsuid(uid)
    try:
        link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        link.settimeout(10)
        link.connect(("127.0.0.1", port))
    finally:
        libc.setfsuid(0)
    return link


def listening(uid: int) -> socket.socket:
    """A socket of `uid` that listens on a free port of 127.0.0.1."""
    libc = ctypes.CDLL(None)
    libc.setfsuid(uid)
    try:
        return socket.create_server(("127.0.0.1", 0))
    finally:
        libc.setfsuid(0)


@contextlib.contextmanager
def relay(port: int, uid: int) -> Iterator[int]:
    """A port of loopback that passes one connection on to `port` through a socket of `uid`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def pass_on() -> None:
            near, _ = server.accept()
            far = connected(port, uid)
            far.settimeout(None)
            back = threading.Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            _copy(near, far)
            back.join(5)
            near.close()
            far.close()

        thread = threading.Thread(target=pass_on, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):  # one of the ends went away first
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
