"""Run one operation of the Pulumi engine on one stack, as one process of its CLI.

The Automation API does the same with five processes for an `up` (select, up, two for outputs, history), half of
the time that a small stack takes; so its language server is used and the CLI called once.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2_grpc

from infra.deploy.engine_events import Outcome, outcome
from infra.deploy.new_stack import ensured
from infra.deploy.stack_lock import abandoned, holder_of
from infra.failures import Interrupted, PulumiMissing, StackFailed, StackLocked
from infra.names import PROJECT

Program = Callable[[], None]
Report = Callable[[str], None]

_LOCK_LIMIT_S = 600.0
_LOCK_RETRY_S = 2.0
_STOP_LIMIT_S = 45.0


class Engine:
    """The Pulumi CLI with a workspace of its own, so that nothing is written beside committed settings.

    `workspace`: an empty folder. `secrets`: the keys `encryptionsalt`, `secretsprovider`, `encryptedkey` of the
    environment's settings file, which every stack of the environment shares. `cancelled` ends every operation:
    the engine is asked to stop, saves what it did and releases its lock, and `Interrupted` is raised.
    """

    def __init__(self, workspace: Path, secrets: dict[str, str], cancelled: threading.Event) -> None:
        command = shutil.which("pulumi")
        if command is None:
            raise PulumiMissing
        self._command = command
        self._workspace = workspace
        self._secrets = secrets
        self._cancelled = cancelled
        project = {"name": PROJECT, "runtime": "python"}
        (workspace / "Pulumi.yaml").write_text(json.dumps(project))

    def up(self, stack: str, program: Program, report: Report, *, new: bool) -> Outcome:
        """Create or update a stack. `new` says that it probably does not exist; either way it is right.

        Raises `StackFailed` with the engine's diagnostics, `StackLocked`, `Interrupted`.
        """
        self._write_settings(stack)
        if new:
            self._create(stack)
        with _language_server(program) as address:
            command = ["up", "--yes", "--skip-preview", "--json", "--suppress-outputs"]
            command += ["--client", address, "--exec-kind", "auto.inline"]
            result = self._run_unlocked(stack, command, report)
            if result.failed and any("no stack named" in line for line in result.errors):
                self._create(stack)
                result = self._run_unlocked(stack, command, report)
        return _checked(stack, "update", result)

    def destroy(self, stack: str, report: Report) -> Outcome | None:
        """Delete everything in a stack, then the stack. None when there is no such stack."""
        self._write_settings(stack)
        command = ["destroy", "--yes", "--skip-preview", "--json", "--suppress-outputs", "--remove"]
        # No program runs, but without a language server the CLI would start its own: most of what a destroy takes.
        with _language_server(lambda: None) as address:
            command += ["--client", address, "--exec-kind", "auto.inline"]
            result = self._run_unlocked(stack, command, report)
        if result.failed and any("no stack named" in line for line in result.errors):
            return None
        return _checked(stack, "destroy", result)

    def stacks(self) -> tuple[str, ...]:
        """Names of all stacks of the project in the backend."""
        result = self._call(["stack", "ls", "--json", "--project", PROJECT])
        if result.returncode:
            raise StackFailed("(all)", "stack ls", (result.stderr.strip(),))
        return tuple(cast(str, entry["name"]).rpartition("/")[2] for entry in json.loads(result.stdout))

    def _create(self, stack: str) -> None:
        """Make an empty stack; one that exists is fine."""
        if ensured(os.environ.get("PULUMI_BACKEND_URL", ""), PROJECT, stack):
            return
        result = self._call(["stack", "init", f"organization/{PROJECT}/{stack}", "--no-select"])
        if result.returncode and "already exists" not in result.stderr:
            raise StackFailed(stack, "stack init", (result.stderr.strip(),))

    def _write_settings(self, stack: str) -> None:
        """Give the stack the environment's encryption; without, the CLI derives a new key, 0.2 s each."""
        (self._workspace / f"Pulumi.{stack}.yaml").write_text(json.dumps(self._secrets))

    def _run_unlocked(self, stack: str, command: list[str], report: Report) -> Outcome:
        """Run a command; wait while another run holds the stack, and clear what a killed one left."""
        waited = 0.0
        while True:
            result = self._run(stack, command)
            holder = holder_of(result.errors) if result.failed else None
            if holder is None:
                return result
            if abandoned(holder):
                report(f"the run that held the stack ({holder}) is gone: its lock is removed")
                self._call(["cancel", "--yes", "--stack", stack])
                continue
            if waited >= _LOCK_LIMIT_S:
                raise StackLocked(stack, str(holder), _LOCK_LIMIT_S)
            report(f"waiting for {holder}, which holds the stack")
            if self._cancelled.wait(_LOCK_RETRY_S):
                raise Interrupted
            waited += _LOCK_RETRY_S

    def _run(self, stack: str, command: list[str]) -> Outcome:
        """Run one command to its end, reading its events as they come."""
        process = subprocess.Popen(
            self._argv([*command, "--stack", stack]),
            cwd=self._workspace,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        watcher = threading.Thread(target=self._stop_when_cancelled, args=(process,), daemon=True)
        watcher.start()
        stdout, stderr = process.communicate()
        if self._cancelled.is_set():
            raise Interrupted
        return outcome(process.returncode, stdout, stderr)

    def _stop_when_cancelled(self, process: subprocess.Popen[str]) -> None:
        """Ask the engine once to stop, as Ctrl-C does; kill it when it does not within a limit."""
        while process.poll() is None:
            if self._cancelled.wait(0.2):
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(_STOP_LIMIT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                return

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(command),
            cwd=self._workspace,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def _argv(self, command: list[str]) -> list[str]:
        """Tie the CLI's life to ours where the system can: a killed `slipway` leaves no engine at work."""
        setpriv = shutil.which("setpriv")
        tie = [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []
        return [*tie, self._command, *command, "--non-interactive"]


def _environment() -> dict[str, str]:
    """Our environment, with the CLI kept from asking the internet whether there is a newer one.

    GOGC: a process that lives for a second need not collect its garbage eight times.
    """
    return {"GOGC": "400", **os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def _checked(stack: str, operation: str, result: Outcome) -> Outcome:
    if result.failed:
        raise StackFailed(stack, operation, result.errors)
    return result


@contextmanager
def _language_server(program: Program) -> Iterator[str]:
    """Serve `program` to the engine on a loopback port while the block runs; gives the address."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None)


def quiet_about_ended_programs() -> None:
    """Keep Python from printing a traceback for a program that the engine ended half-way, as it does on a failure.

    The SDK leaves that program's coroutine to the garbage collector, whose complaint says nothing about the failure.
    """
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if getattr(unraisable.object, "__name__", "") != "run_in_stack":
            before(unraisable)

    sys.unraisablehook = hook
