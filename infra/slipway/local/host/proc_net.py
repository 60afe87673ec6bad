"""Read the kernel's tables of sockets, /proc/net/tcp and its like."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTENING, ESTABLISHED, UNCONNECTED = "0A", "01", "07"
"""States as they stand there; the last is that of a UDP socket which waits for anybody."""


@dataclass(frozen=True, slots=True)
class Row:
    """One socket: (address, port) of both ends, its state, who owns it."""

    local: tuple[str, int]
    remote: tuple[str, int]
    uid: int
    inode: str
    """`0` for a socket that its process has closed already: the kernel then lists it as root's."""


def rows(table: str, state: str) -> Iterator[Row]:
    """The sockets in `state`, of the text of /proc/net/{tcp,udp}[6]."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == state:
            yield Row(_end(fields[1]), _end(fields[2]), int(fields[7]), fields[9])


def listener(port: int) -> int | None:
    """The uid that listens on the TCP port, on whatever address; None when no process of this machine does."""
    for name in ("tcp", "tcp6"):
        table = Path(f"/proc/net/{name}")
        for row in rows(table.read_text(), LISTENING) if table.exists() else ():
            if row.local[1] == port:
                return row.uid
    return None


def process(inode: str) -> int | None:
    """The pid of a process that has the socket open; None when none can be seen from here."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended while we looked
            for descriptor in (entry / "fd").iterdir():
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return int(entry.name)
    return None


def _end(field: str) -> tuple[str, int]:
    """`0100007F:1389` -> 127.0.0.1, 5001: words of four bytes in the machine's order, here little-endian."""
    address, _, port = field.partition(":")
    raw = bytes.fromhex(address)
    ordered = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, ordered), int(port, 16)
