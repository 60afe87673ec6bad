"""Flower's own programs: a SuperLink, a SuperNode for each device, and a run that is waited for."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from wire import Wire

BIN = Path(sys.executable).parent
HERE = Path(__file__).parent
READY_LIMIT_S = 60
RUN_LIMIT_S = 900
STOP_LIMIT_S = 30


def run(folders: list[Path], steps: int, work: Path, settings: dict[str, object]) -> list[Wire]:
    """Learn on the devices whose data are in `folders`; return what passed between each and the SuperLink.

    Nothing leaves this machine: links are loopback without TLS, telemetry and the look for updates are off.

    Raises:
        SystemExit: a program ended, or did not finish in time; the message has the end of its log.
    """
    port = _free()
    with ExitStack() as stack:
        link = _Program("superlink", work, stack)
        link.start("flower-superlink", "--insecure", "--port", str(port), "--disable-runtime-dependency-installation")
        link.wait_for_port(port)
        wires = [stack.enter_context(Wire(("127.0.0.1", port))) for _ in folders]
        for folder, wire in zip(folders, wires, strict=True):
            node = _Program(folder.name, work, stack)
            told = f'folder="{folder}" steps={steps}'
            node.start(
                "flower-supernode",
                "--insecure",
                "--superlink",
                wire.address,
                "--port",
                str(_free()),
                "--node-config",
                told,
            )
        _submit(port, work, settings)
        link.wait_for_end(Path(str(settings["out"])))
    return wires


class _Program:
    def __init__(self, name: str, work: Path, stack: ExitStack) -> None:
        self._name = name
        self._home = work / f"{name}-home"
        self._home.mkdir()
        self._log = work / f"{name}.log"
        self._stack = stack

    def start(self, *argv: str) -> None:
        # Its log goes to a file, and it leads a group of processes, so that what it started ends with it.
        log = self._stack.enter_context(self._log.open("wb"))
        command = [str(BIN / argv[0]), *argv[1:]]
        self._process = subprocess.Popen(
            command, env=_environ(self._home), stdout=log, stderr=log, start_new_session=True
        )
        self._stack.callback(self._end)

    def wait_for_port(self, port: int) -> None:
        until = time.monotonic() + READY_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            except OSError:
                self._lives(until, f"listens on port {port}", READY_LIMIT_S)
            else:
                return

    def wait_for_end(self, out: Path) -> None:
        until = time.monotonic() + RUN_LIMIT_S
        while not (out / "rounds.json").exists():
            if (failed := out / "failed.txt").exists():
                raise SystemExit(f"the run failed: {failed.read_text().strip()}")
            self._lives(until, "has run all rounds", RUN_LIMIT_S)

    def _lives(self, until: float, what: str, limit_s: float) -> None:
        tail = self._log.read_text(errors="replace")[-3000:]
        if self._process.poll() is not None:
            raise SystemExit(f"{self._name} failed before it {what}:\n{tail}")
        if time.monotonic() > until:
            raise SystemExit(f"{self._name}: waited {limit_s} s until it {what}:\n{tail}")
        time.sleep(0.2)

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()


def _submit(port: int, work: Path, settings: dict[str, object]) -> None:
    app, home = work / "app", work / "submit-home"
    shutil.copytree(HERE, app, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    home.mkdir()
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    told = " ".join(
        f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}" for name, value in settings.items()
    )
    done = subprocess.run(
        [str(BIN / "flwr"), "run", str(app), "here", "--run-config", told],
        env=_environ(home),
        text=True,
        capture_output=True,
        timeout=READY_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"flwr run ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


def _environ(home: Path) -> dict[str, str]:
    quiet = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "FLWR_HOME": str(home), **quiet}


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
