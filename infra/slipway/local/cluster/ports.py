"""Tell which process listens on a port of this machine, from /proc alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slipway.local.cluster.components import Socket
from slipway.local.host import proc_net

_ANY = ("0.0.0.0", "::")  # noqa: S104  (compared with, not bound to)


@dataclass(frozen=True)
class Listener:
    """A socket that somebody listens on."""

    socket: Socket
    inode: str


def listening() -> list[Listener]:
    """Every TCP and UDP socket of this network namespace that waits for peers."""
    found: list[Listener] = []
    kinds: list[tuple[Literal["tcp", "udp"], str]] = [("tcp", proc_net.LISTENING), ("udp", proc_net.UNCONNECTED)]
    for protocol, state in kinds:
        for suffix in ("", "6"):
            file = Path(f"/proc/net/{protocol}{suffix}")
            if file.exists():  # no IPv6, no file
                found += parse(file.read_text(), protocol, state)
    return found


def parse(table: str, protocol: Literal["tcp", "udp"], state: str) -> list[Listener]:
    """Rows of /proc/net/{tcp,udp}[6] in `state` (hexadecimal, as it stands there)."""
    return [Listener(Socket(protocol, *row.local), row.inode) for row in proc_net.rows(table, state)]


def holder(listeners: list[Listener], wanted: Socket) -> str | None:
    """Who keeps `wanted` from being listened on ("process 12 (nginx)"), None when it is free."""
    for listener in listeners:
        taken = listener.socket
        if (taken.protocol, taken.port) != (wanted.protocol, wanted.port):
            continue
        if taken.address == wanted.address or taken.address in _ANY:
            return _process(listener.inode)
    return None


def _process(inode: str) -> str:
    holder = proc_net.process(inode)
    if holder is None:
        return "a process that cannot be seen from here"
    try:
        name = Path(f"/proc/{holder}/comm").read_text().strip()
    except OSError:  # it ended while we looked
        return f"process {holder}"
    return f"process {holder} ({name})"
