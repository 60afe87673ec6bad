"""Run a program that takes long: its output to a log, line by line to a progress display, within a limit."""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from slipway.local.host.errors import LocalError

_TAIL_LINES = 15
_INTERRUPT_LIMIT_S = 15.0

_lock = threading.Lock()
_running: set[subprocess.Popen[str]] = set()
_cancelled = threading.Event()


class CancelledError(LocalError):
    """The person at the keyboard ended the run; nothing failed."""


@dataclass(frozen=True)
class Command:
    """A program run and how to speak of it; `progress` sees every line and says if it is only progress."""

    what: str
    argv: Sequence[str | Path]
    log: Path
    limit_s: float
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    progress: Callable[[str], bool] = field(default=lambda _line: False)
    on_failure: str = ""


def run(command: Command) -> None:
    """Run the command to its end.

    Raises:
        LocalError: it cannot be started, failed or took longer than its limit; the message names the log and
            quotes the last lines that are not progress.
        CancelledError: `cancel_all` was called.
    """
    command.log.parent.mkdir(parents=True, exist_ok=True)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    process = _start(command)
    late = threading.Event()
    timer = threading.Timer(command.limit_s, _end_late, (process, late))
    timer.start()
    try:
        with command.log.open("w") as log:
            for line in process.stdout or ():
                log.write(line)
                log.flush()
                if not command.progress(line.rstrip()) and line.strip():
                    tail.append(line.rstrip())
        code = process.wait()
    finally:
        timer.cancel()
        with _lock:
            _running.discard(process)
    if _cancelled.is_set():
        raise CancelledError(f"{command.what}: interrupted")
    if late.is_set():
        raise LocalError(_failed(command, f"not done after {command.limit_s:.0f} s", tail))
    if code != 0:
        raise LocalError(_failed(command, f"exit code {code}", tail))


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Say `what` was being done when a short program, run in the block by subprocess.run, does not end well.

    Raises:
        LocalError: it cannot be started, took longer than its limit, or, with check=True, failed.
    """
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"{what}: {_named(error.cmd)} gave no answer within {round(error.timeout, 1):g} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
        reason = f"exit code {error.returncode}{f': {said.strip()}' if said.strip() else ''}"
        raise LocalError(f"{what}: {_named(error.cmd)}: {reason}") from error
    except OSError as error:
        raise LocalError(f"{what}: {error.filename or 'a program'}: {error.strerror}") from error


def _named(argv: object) -> str:
    return " ".join(map(str, argv)) if isinstance(argv, list | tuple) else str(argv)


def cancel_all() -> None:
    """Interrupt all running commands, let none start any more, return when they are gone (15 s at most)."""
    _cancelled.set()
    with _lock:
        running = tuple(_running)
    for process in running:
        _signal(process, signal.SIGINT)
    for process in running:
        try:
            process.wait(_INTERRUPT_LIMIT_S)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)


def _start(command: Command) -> subprocess.Popen[str]:
    with _lock:
        if _cancelled.is_set():
            raise CancelledError(f"{command.what}: interrupted")
        try:
            # A process group of its own: Ctrl-C reaches this program alone, which then ends what it started.
            process = subprocess.Popen(
                [str(part) for part in command.argv],
                cwd=command.cwd,
                env=None if command.env is None else dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                process_group=0,
            )
        except OSError as error:
            raise LocalError(f"{command.what}: cannot run {command.argv[0]}: {error.strerror}") from error
        _running.add(process)
        return process


def _end_late(process: subprocess.Popen[str], late: threading.Event) -> None:
    late.set()
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)


def _failed(command: Command, how: str, tail: Sequence[str]) -> str:
    lines = "".join(f"\n    {line}" for line in tail)
    text = f"{command.what}: {how}. All of its output: {command.log}{lines}"
    return f"{text}\n{command.on_failure}" if command.on_failure else text
