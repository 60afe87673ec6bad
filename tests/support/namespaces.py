"""Machines made of network namespaces and cables between them; needs root and iproute2."""

import ctypes
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000


class Namespace:
    """A network of its own, like that of another machine."""

    def __init__(self) -> None:
        self.name = f"slipway-test-{uuid.uuid4().hex[:8]}"
        _run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")

    def remove(self) -> None:
        _run("ip", "netns", "delete", self.name)

    def run(self, *argv: str, text: str | None = None) -> str:
        """The output of a command in it."""
        return _run("ip", "netns", "exec", self.name, *argv, text=text)

    def set(self, setting: str, value: str) -> None:
        """Write a kernel setting of it, for example net/ipv4/ip_forward."""
        self.run("sh", "-c", f"echo {value} > /proc/sys/{setting}")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets that this thread makes in the block belong to it."""
        libc = ctypes.CDLL(None, use_errno=True)
        home, there = Path("/proc/thread-self/ns/net"), Path("/run/netns") / self.name
        with home.open() as back, there.open() as away:
            if libc.setns(away.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                if libc.setns(back.fileno(), _CLONE_NEWNET):
                    os._exit(70)  # nothing that this process goes on to do would be where it should

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening socket in it; the kernel answers connections, so that nobody needs to accept them."""
        with self.inside():
            return socket.create_server((address, port))

    def reaches(self, address: str, port: int, source: str | None = None) -> bool:
        """Whether a connection from it is answered within a second."""
        with self.inside(), socket.socket() as link:
            link.settimeout(1)
            if source is not None:
                link.bind((source, 0))
            try:
                link.connect((address, port))
            except OSError:
                return False
        return True


@contextmanager
def namespaces(count: int) -> Iterator[list[Namespace]]:
    """Some namespaces, removed at the end with what is in them."""
    with ExitStack() as stack:
        made = [Namespace() for _ in range(count)]
        for namespace in made:
            stack.callback(namespace.remove)
        yield made


def cable(one: Namespace, one_address: str, other: Namespace, other_address: str) -> str:
    """Connect two namespaces; the name of the link in the first. Addresses with their prefix length."""
    names = [f"t{uuid.uuid4().hex[:10]}" for _ in range(2)]
    _run(
        "ip", "link", "add", names[0], "netns", one.name, "type", "veth", "peer", "name", names[1], "netns", other.name
    )
    for namespace, name, address in zip((one, other), names, (one_address, other_address), strict=True):
        namespace.run("ip", "address", "add", address, "dev", name)
        namespace.run("ip", "link", "set", name, "up")
    return names[0]


def _run(*argv: str, text: str | None = None) -> str:
    done = subprocess.run(argv, input=text, text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
    return done.stdout
