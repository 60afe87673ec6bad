"""Say what a measured server is: where it listens, which process it is, and how long it took until it was ready."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

_ASK_S = 5.0
_PAUSE_S = 0.01
_LINES = 4


class StartFailed(Exception):
    """The server did not become ready; `str()` says why, as a sentence without its end."""


@dataclass(frozen=True, slots=True)
class Live:
    """A server that runs.

    Attributes:
        port: on loopback.
        pid: its process on this machine.
        began: when it was started, by `time.perf_counter`.
        ended: why it has ended; None while it runs.
        log: what it has written.
    """

    port: int
    pid: int
    began: float
    ended: Callable[[], str | None]
    log: Callable[[], str]


class Launcher(Protocol):
    """One way to run a model's server on this machine."""

    @property
    def how(self) -> Literal["image", "process"]:
        """In a container of its image, or as a process."""
        ...

    @property
    def said(self) -> str:
        """The same for people, in a sentence's middle."""
        ...

    @property
    def image_digest(self) -> str | None:
        """Of the image that runs; None for a process."""
        ...

    def start(self, config: Mapping[str, Any], cpu: int, memory: int) -> AbstractContextManager[Live]:
        """Run it for the block with this configuration, thousandths of a core and bytes. Raises `StartFailed`."""
        ...


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def local_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a server's configuration for this machine: loopback only, no gateway before it, and it stops at once."""
    changed = {name: value for name, value in config.items() if name != "gate"}
    changed |= {"host": "127.0.0.1", "port": free_port(), "drain_s": 0, "linger_s": 0}
    if "grpc" in changed:
        changed["grpc"] = {"port": free_port()}
    return changed


def wait_until_ready(live: Live, path: str, limit_s: float) -> float:
    """Wait until the server is ready; returns the seconds that it took from its start.

    Raises:
        StartFailed: it ended, or was not ready after `limit_s`.
    """
    end = live.began + limit_s
    while time.perf_counter() < end:
        if (reason := live.ended()) is not None:
            raise StartFailed(f"{reason}{last_words(live.log())}")
        if _is_ready(live.port, path):
            return time.perf_counter() - live.began
        time.sleep(_PAUSE_S)
    raise StartFailed(f"it was not ready after {limit_s:.0f} s{last_words(live.log())}")


def last_words(log: str) -> str:
    """The reason that a server gave for its end, or its last lines, to be added to a sentence; empty without any."""
    lines = [line for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("event") == "failed":
            return f": {said.get('reason')}"
    return f": {' | '.join(lines[-_LINES:])}" if lines else ""


def ready_event(log: str) -> Mapping[str, Any]:
    """What the server wrote when it became ready, such as whether requests share runs; empty if it wrote nothing."""
    for line in log.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("event") == "ready":
            return said
    return {}


def _is_ready(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
