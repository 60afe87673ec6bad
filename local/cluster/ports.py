"""Tell which process listens on a port of this machine, from /proc alone."""

import contextlib
import socket as sockets
from dataclasses import dataclass
from pathlib import Path

from local.cluster.components import Socket

_TCP_LISTEN, _UDP_UNCONNECTED = "0A", "07"
_ANY = ("0.0.0.0", "::")  # noqa: S104  (compared with, not bound to)


@dataclass(frozen=True)
class Listener:
    """A socket that somebody listens on."""

    socket: Socket
    inode: str


def listening() -> list[Listener]:
    """Every TCP and UDP socket of this network namespace that waits for peers."""
    found = []
    for protocol, state in (("tcp", _TCP_LISTEN), ("udp", _UDP_UNCONNECTED)):
        for suffix in ("", "6"):
            file = Path(f"/proc/net/{protocol}{suffix}")
            if file.exists():  # no IPv6, no file
                found += parse(file.read_text(), "tcp" if protocol == "tcp" else "udp", state)
    return found


def parse(table: str, protocol: str, state: str) -> list[Listener]:
    """Rows of /proc/net/{tcp,udp}[6] in `state` (hexadecimal, as it stands there)."""
    found = []
    for row in table.splitlines()[1:]:
        fields = row.split()
        if fields[3] == state:
            address, _, port = fields[1].partition(":")
            where = Socket("tcp" if protocol == "tcp" else "udp", _address(address), int(port, 16))
            found.append(Listener(where, fields[9]))
    return found


def holder(listeners: list[Listener], wanted: Socket) -> str | None:
    """Who keeps `wanted` from being listened on ("process 12 (nginx)"), None when it is free."""
    for listener in listeners:
        taken = listener.socket
        if (taken.protocol, taken.port) != (wanted.protocol, wanted.port):
            continue
        if taken.address == wanted.address or taken.address in _ANY:
            return _process(listener.inode)
    return None


def _address(text: str) -> str:
    """The kernel prints words of four bytes in the machine's order: little-endian ones read backwards."""
    raw = bytes.fromhex(text)
    ordered = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return sockets.inet_ntop(sockets.AF_INET if len(raw) == 4 else sockets.AF_INET6, ordered)


def _process(inode: str) -> str:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended while we looked
            for descriptor in (entry / "fd").iterdir():
                if str(descriptor.readlink()) == f"socket:[{inode}]":
                    return f"process {entry.name} ({(entry / 'comm').read_text().strip()})"
    return "a process that cannot be seen from here"
