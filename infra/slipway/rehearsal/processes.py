"""Run the rehearsal's own programs: each ends with the rehearsal, however that ends."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

_STOP_LIMIT_S = 5.0
_LOG_TAIL_BYTES = 2000


class RehearsalError(Exception):
    """The rehearsal cannot be held, or what it checked is not so."""


class Children(contextlib.AbstractContextManager["Children"]):
    """Processes that end, last first, when the block does; a kill of this program ends them too.

    `logs`: a folder for what they print.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._tie = _tie()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.terminate()
        for name in reversed(list(self._running)):
            self.stop(name)

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start a program in a session of its own, so that Ctrl-C reaches this program alone."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*self._tie, *argv],
                env=dict(os.environ if env is None else env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, name: str) -> None:
        """End one program; by force when it does not end in time."""
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_until(self, what: str, limit_s: float, probe: Callable[[], bool]) -> None:
        """Wait for something that the programs bring about. An OSError of the probe means "not yet".

        Raises RehearsalError when a program ended or the time is up; it quotes the end of the logs.
        """
        until = time.monotonic() + limit_s
        while True:
            with contextlib.suppress(OSError):
                if probe():
                    return
            if ended := [name for name, process in self._running.items() if process.poll() is not None]:
                raise RehearsalError(f"{ended[0]} ended while waiting for {what}:\n{self.tail(ended[0])}")
            if time.monotonic() > until:
                tails = "\n".join(f"{name}: {self.tail(name)}" for name in self._running)
                raise RehearsalError(f"{what}: not after {limit_s:.0f} s\n{tails}")
            time.sleep(0.05)

    def tail(self, name: str) -> str:
        """The end of what a program printed."""
        return (self._logs / f"{name}.log").read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def listens(port: int) -> bool:
    """Whether something listens on a port of the loopback."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def _tie() -> list[str]:
    """What makes the kernel end a program with the thread that started it, where the system can."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
