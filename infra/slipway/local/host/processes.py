"""Run daemons that outlive this program: pid files that survive recycled pids, logs, stopping, bounded waiting."""

import contextlib
import hashlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from slipway.local.host import paths
from slipway.local.host.errors import LocalError
from slipway.local.host.text import shortened

_KILL_LIMIT_S = 5.0
_LOG_TAIL_LINES = 12


@dataclass(frozen=True)
class _Record:
    """What a pid file holds. Start time and boot tell our process from another that got the same pid later."""

    pid: int
    started: int
    boot: str
    argv: list[str]
    files: str = ""
    """Digest of the configuration files as they were when it was started; empty in a record of an older version."""


def spawn(name: str, argv: Sequence[str], env: Mapping[str, str] | None = None, *, files: Sequence[Path] = ()) -> bool:
    """Start `argv` (first item: an absolute path) in a session of its own, logging to STATE_LOG/<name>.log.

    Does nothing when `name` already runs with the same arguments and the same content of its configuration
    `files`; with others it is stopped first, so that a change takes effect. The log of the run before is kept as
    <name>.log.1. Returns whether a process was started. Raises LocalError when the program cannot be executed.
    """
    if runs(name, argv, files=files):
        return False
    stop([name], grace_s=5.0)
    log = log_file(name)
    for folder in (paths.STATE_RUN, paths.STATE_LOG):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if log.exists():
        log.rename(log.with_suffix(".log.1"))
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    _keep_to_ourselves()
    # The defaults of these two are what a program expects; this one may run with them ignored.
    defaults = [signal.SIGINT, signal.SIGPIPE]
    try:
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            dict(os.environ if env is None else env),
            file_actions=streams,
            setsid=True,
            setsigdef=defaults,
        )
    except OSError as error:
        raise LocalError(f"cannot start {name}: {argv[0]}: {error.strerror}") from error
    started = start_time(pid)
    record = _Record(pid, started if started is not None else -1, boot_id(), list(argv), _digest(files))
    file = _pid_file(name)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(record)))
    new.rename(file)
    return True


def alive(name: str) -> bool:
    """Whether the process that `spawn` started under this name still runs (a zombie does not)."""
    record = _read(name)
    return record is not None and _is_running(record)


def runs(name: str, argv: Sequence[str], *, files: Sequence[Path] = ()) -> bool:
    """Whether `name` runs and was started with just these arguments and this content of its configuration files."""
    record = _read(name)
    if record is None or record.argv != list(argv) or record.files != _digest(files):
        return False
    return _is_running(record)


def pid(name: str) -> int | None:
    """The pid of the running daemon `name`, or None."""
    record = _read(name)
    return record.pid if record is not None and _is_running(record) else None


def stop(names: Iterable[str], grace_s: float) -> list[str]:
    """Send SIGTERM to all of `names` at once, after `grace_s` seconds SIGKILL to what is left.

    Returns the names that even SIGKILL did not end within 5 s (a process stuck in the kernel); their pid files
    stay. A name that does not run, and a pid that now belongs to another process, are left alone.
    """
    handles: dict[str, int] = {}
    for name in names:
        handle = _open(name)
        if handle is None:
            _pid_file(name).unlink(missing_ok=True)
        else:
            handles[name] = handle
    try:
        left = _signal_and_wait(handles, signal.SIGTERM, grace_s)
        left = _signal_and_wait({name: handles[name] for name in left}, signal.SIGKILL, _KILL_LIMIT_S)
    finally:
        for handle in handles.values():
            os.close(handle)
    for name in handles.keys() - left:
        _pid_file(name).unlink(missing_ok=True)
    return sorted(left)


def wait_until(what: str, limit_s: float, probe: Callable[[], bool], watch: Iterable[str] = ()) -> None:
    """Call `probe` until it is true. An OSError it raises means "not yet" and is quoted when time is up.

    Raises LocalError after `limit_s` seconds, or at once when a daemon named in `watch` has died; the message
    names `what`, the time, the last error and the end of that daemon's log.
    """
    watched = list(watch)
    begin = time.monotonic()
    pause_s = 0.02
    while True:
        last = ""
        try:
            if probe():
                return
        except OSError as error:
            last = f" Last answer: {error}."
        dead = [name for name in watched if not alive(name)]
        waited_s = time.monotonic() - begin
        if dead:
            raise LocalError(f"waited {waited_s:.0f} s for {what}, but {dead[0]} has ended.{log_tail(dead[0])}")
        if waited_s >= limit_s:
            logs = "".join(log_tail(name) for name in watched)
            raise LocalError(f"{what}: not after {limit_s:.0f} s.{last}{logs}")
        time.sleep(min(pause_s, limit_s - waited_s))
        pause_s = min(pause_s * 1.3, 0.25)


def log_file(name: str) -> Path:
    """Where the output of daemon `name` goes."""
    return paths.STATE_LOG / f"{name}.log"


def log_tail(name: str) -> str:
    """The end of the daemon's log as an indented block that begins with its path; short when there is none."""
    file = log_file(name)
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 16384))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return f"\n  no log of {name} at {file}"
    return "".join(f"\n  {shortened(line, 400)}" for line in [f"{file} ends with:", *lines[-_LOG_TAIL_LINES:]])


def _keep_to_ourselves() -> None:
    """Do not hand on what our own caller left open: a lock of his would be held for as long as the daemon runs."""
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one by which this folder was read
            if int(file.name) > 2:
                os.set_inheritable(int(file.name), False)


def _digest(files: Sequence[Path]) -> str:
    """Hex digest of the content of files; empty for none."""
    content = hashlib.sha256()
    for file in files:
        data = file.read_bytes()
        content.update(len(data).to_bytes(8, "big") + data)
    return content.hexdigest() if files else ""


def _pid_file(name: str) -> Path:
    return paths.STATE_RUN / f"{name}.pid"


def boot_id() -> str:
    """The kernel's name for the time since it was started."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _read(name: str) -> _Record | None:
    """None as well for a file cut short by a full disk: nothing can be said about its process."""
    try:
        return _Record(**json.loads(_pid_file(name).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _stat(number: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third (state) on; the second may itself hold blanks and brackets."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def start_time(number: int) -> int | None:
    """Field 22 of proc(5): clock ticks between boot and the start of the process."""
    fields = _stat(number)
    return int(fields[19]) if fields else None


def _is_running(record: _Record) -> bool:
    with contextlib.suppress(ChildProcessError):  # started by an earlier run of this program: not ours to reap
        os.waitpid(record.pid, os.WNOHANG)
    fields = _stat(record.pid)
    if fields is None:
        return False
    threads = int(fields[17])  # field 20: while other threads still end, the first is a zombie that holds ports
    if fields[0] in ("Z", "X") and threads <= 1:
        return False
    return int(fields[19]) == record.started and record.boot == boot_id()


def _open(name: str) -> int | None:
    """A pidfd of the daemon, checked after opening, so that no other process can take its place in between."""
    record = _read(name)
    if record is None:
        return None
    try:
        handle = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return None
    if _is_running(record):
        return handle
    os.close(handle)
    return None


def _signal_and_wait(handles: Mapping[str, int], number: signal.Signals, limit_s: float) -> set[str]:
    """Signal every handle, then wait for all of them; the names that still run after `limit_s`."""
    for handle in handles.values():
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
    left = dict(handles)
    deadline = time.monotonic() + limit_s
    while left:
        remaining_ms = (deadline - time.monotonic()) * 1000
        poll = select.poll()
        for handle in left.values():
            poll.register(handle, select.POLLIN)
        ended = {handle for handle, _ in poll.poll(max(0.0, remaining_ms))}
        left = {name: handle for name, handle in left.items() if handle not in ended}
        if remaining_ms <= 0:
            break
    return set(left)
