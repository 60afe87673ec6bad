"""Run one operation of the Pulumi engine on one stack, as one process of its CLI.

The Automation API does the same with five processes for an `up` (select, up, two for outputs, history), half of
the time that a small stack takes; so its language server is used and the CLI called once.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, cast

from slipway.engine import notes
from slipway.engine.events import Outcome, followed, outcome
from slipway.engine.failed import backend, checked, failure, no_stack, printed
from slipway.engine.language_server import Program, language_server
from slipway.engine.previewed import StackPreview, diagnostics, previewed
from slipway.engine.process import TABLE
from slipway.engine.stack_lock import Holder
from slipway.engine.state_files import complained, mend, unlock
from slipway.errors.base import SlipwayError
from slipway.errors.failures import Interrupted, PulumiMissing, StackLocked
from slipway.errors.full_disk import disk_errors
from slipway.values.aliases import Json, Tell
from slipway.values.names import PROJECT

_LOCK_LIMIT_S = 600.0
_LOCK_RETRY_S = 2.0
_STOP_LIMIT_S = 45.0
_CALL_LIMIT_S = 120
_READS = 4
_PREVIEW_LIMIT_S = 600


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
        self._cut_short: set[str] = set()
        project = {"name": PROJECT, "runtime": "python"}
        (workspace / "Pulumi.yaml").write_text(json.dumps(project))

    def up(self, stack: str, program: Program, report: Tell, *, new: bool, refresh: bool = False) -> Outcome:
        """Create or update a stack.

        Objects of Kubernetes are applied, not waited for. `new` says that the stack probably does not exist; either
        way it is right. `refresh` has the engine look at what is really there first; else it takes its state for it,
        and what others changed stays as they left it. After a killed run it looks in any case.

        Raises `StackFailed` with the engine's diagnostics, `StackLocked`, `Interrupted`.
        """
        self._write_settings(stack)
        if new:
            # `stack init` takes a stack with a torn file beside its state for none, and overwrites the state.
            mended = mend(backend(), PROJECT, stack)
            for text in mended:
                report(text)
            # There is nothing to look at in a stack that was made just now.
            refresh = not self._create(stack, report) and (refresh or bool(mended) or stack in self._cut_short)
        with language_server(program) as address:
            command = ["up", "--yes", "--skip-preview", "--json", "--suppress-outputs"]
            command += ["--client", address, "--exec-kind", "auto.inline", *(["--refresh"] if refresh else [])]
            result = self._run_unlocked(stack, command, report)
            if result.failed and no_stack(*result.errors):
                self._create(stack, report)
                result = self._run_unlocked(stack, command, report)
        return checked(stack, "update", result)

    def preview(self, stack: str, program: Program | None) -> StackPreview | None:
        """What `up` would do, or, without a program, a refresh; None without such a stack. No lock, nothing written."""
        self._write_settings(stack)
        with language_server(program or (lambda: None)) as address:
            command = ["preview"] if program else ["refresh", "--preview-only"]
            command += ["--json", "--suppress-outputs", "--suppress-progress", "--stack", stack]
            command += ["--client", address, "--exec-kind", "auto.inline"]
            result = self._call(command, _PREVIEW_LIMIT_S)
        if self._cancelled.is_set():
            raise Interrupted
        if not result.returncode:
            return previewed(stack, result.stdout)
        if no_stack(result.stderr):
            return None
        raise failure(stack, "preview", diagnostics(result.stdout, result.stderr))

    def destroy(self, stack: str, report: Tell, *, keep_protected: bool = False) -> Outcome | None:
        """Delete everything in a stack, then the stack. None when there is no such stack.

        With `keep_protected`, what is protected stays with all that it needs, and so does the stack.
        """
        self._write_settings(stack)
        command = ["destroy", "--yes", "--skip-preview", "--json", "--suppress-outputs"]
        command.append("--exclude-protected" if keep_protected else "--remove")
        # No program runs, but without a language server the CLI would start its own: most of what a destroy takes.
        with language_server(lambda: None) as address:
            command += ["--client", address, "--exec-kind", "auto.inline"]
            result = self._run_unlocked(stack, command, report)
        if result.failed and no_stack(*result.errors):
            return None
        return checked(stack, "destroy", result)

    def unprotect(self, stack: str, urns: Sequence[str], report: Tell) -> None:
        """Let a destroy delete what was protected in a stack."""
        checked(stack, "unprotect", self._run_unlocked(stack, ["state", "unprotect", *urns, "--yes"], report))

    def state(self, stack: str) -> Json | None:
        """Return the state of a stack as the CLI exports it, None when there is no such stack."""
        self._write_settings(stack)
        result = self._call(["stack", "export", "--stack", stack])
        if result.returncode and no_stack(result.stderr):
            return None
        return cast(Json, json.loads(printed(stack, "stack export", result)))

    def replace_state(self, stack: str, state: Json, report: Tell) -> bool:
        """Import `state` as the stack's. False, after a while, when another run holds it: `state` is stale by then."""
        file = self._workspace / f"{stack}.state.json"
        file.write_text(json.dumps(state))
        try:
            while True:
                result = self._run(stack, ["stack", "import", "--file", str(file)], report)
                holder = notes.holder(backend(), stack, result.errors) if result.failed else None
                if holder is None:
                    checked(stack, "stack import", result)
                    return True
                if not self._cleared(stack, holder, report):
                    self._wait_for(holder, report)
                    return False
        finally:
            file.unlink()

    def restore_state(self, stack: str, state: Json, report: Tell) -> None:
        """Make `state` that of a stack, which is made where there is none; `StackLocked` while another run holds it."""
        self._write_settings(stack)
        self._create(stack, report)
        if not self.replace_state(stack, state, report):
            raise StackLocked(stack, "another run", _LOCK_RETRY_S)

    def refresh(self, stack: str, urns: Sequence[str], report: Tell) -> None:
        """Read what these resources of a stack really are."""
        command = ["refresh", "--yes", "--skip-preview", "--json", "--suppress-outputs"]
        command += [word for urn in urns for word in ("--target", urn)]
        with language_server(lambda: None) as address:
            command += ["--client", address, "--exec-kind", "auto.inline"]
            checked(stack, "refresh", self._run_unlocked(stack, command, report))

    def stacks(self) -> tuple[str, ...]:
        """Names of all stacks of the project in the backend."""
        command = ["stack", "ls", "--json", "--project", PROJECT]
        result, tries = self._call(command), _READS
        while result.returncode and complained([result.stderr]) and (tries := tries - 1):
            mend(backend(), PROJECT)  # nothing, where another run was just writing a file of its stack
            result = self._call(command)
        entries = json.loads(printed("(all)", "stack ls", result))
        return tuple(cast(str, entry["name"]).rpartition("/")[2] for entry in entries)

    def _create(self, stack: str, report: Tell) -> bool:
        """Make an empty stack; False when there was one."""
        command = ["stack", "init", "--no-select"]
        # Every other command reads it from the stack's settings; this one would ask for a passphrase.
        if provider := self._secrets.get("secretsprovider"):
            command += ["--secrets-provider", provider]
        # It takes the stack's lock before it looks whether there is a stack, so that a killed run's lock stops it too.
        result = self._run_unlocked(stack, command, report)
        if result.failed and any("already exists" in text for text in result.errors):
            return False
        checked(stack, "stack init", result)
        return True

    def _write_settings(self, stack: str) -> None:
        """Give the stack the environment's encryption; without, the CLI derives a new key, 0.2 s each."""
        with disk_errors(f"stack {stack} cannot be worked on", self._workspace):
            (self._workspace / f"Pulumi.{stack}.yaml").write_text(json.dumps(self._secrets))

    def _run_unlocked(self, stack: str, command: list[str], report: Tell) -> Outcome:
        """Run a command; wait while another run holds the stack, and clear what a killed one or a full disk left."""
        waited = 0.0
        while True:
            result = self._run(stack, command, report)
            if result.failed and complained(result.errors) and (mended := mend(backend(), PROJECT)):
                for text in mended:
                    report(text)
                command = _looking(command)
                continue
            holder = notes.holder(backend(), stack, result.errors) if result.failed else None
            if holder is None:
                return result
            if self._cleared(stack, holder, report):
                command = _looking(command)
                continue
            if waited >= _LOCK_LIMIT_S:
                raise StackLocked(stack, str(holder), _LOCK_LIMIT_S)
            self._wait_for(holder, report)
            waited += _LOCK_RETRY_S

    def _cleared(self, stack: str, holder: Holder, report: Tell) -> bool:
        """Remove the lock of a run that is gone; False while it is there."""
        if not notes.abandoned(backend(), stack, holder):
            return False
        result = self._call(["cancel", "--yes", "--stack", stack])
        # Killed while it made the stack, it left a lock on none, which the CLI itself removes for nobody.
        if result.returncode and not (no_stack(result.stderr) and unlock(backend(), PROJECT, stack)):
            raise failure(stack, "cancel", (result.stderr.strip(),))
        report(f"the run that held the stack ({holder}) is gone: its lock has been removed")
        notes.forget(backend(), stack)
        self._cut_short.add(stack)
        return True

    def _wait_for(self, holder: Holder, report: Tell) -> None:
        report(f"waiting for {holder}, which holds the stack")
        if self._cancelled.wait(_LOCK_RETRY_S):
            raise Interrupted

    def _run(self, stack: str, command: list[str], report: Tell) -> Outcome:
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
        note = notes.write(backend(), stack, TABLE.child(process.pid))
        stdout, stderr = cast(IO[str], process.stdout), cast(IO[str], process.stderr)
        threading.Thread(target=self._stop_when_cancelled, args=(process,), daemon=True).start()
        with ThreadPoolExecutor(max_workers=1) as reader, process:
            printed = reader.submit(stderr.read)
            lines = list(followed(stdout, report))
            returncode = process.wait()
        if note and returncode >= 0:  # one that was killed could not remove its lock
            note.unlink(missing_ok=True)
        if self._cancelled.is_set():
            raise Interrupted
        return outcome(returncode, "".join(lines), printed.result())

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

    def _call(self, command: list[str], limit_s: int = _CALL_LIMIT_S) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self._argv(command),
                cwd=self._workspace,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=limit_s,
            )
        except subprocess.TimeoutExpired as error:
            raise SlipwayError(
                f"pulumi {' '.join(command[:2])} did not end within {limit_s} s; next: check that the state's backend "
                f"({backend() or 'the one of pulumi login'}) answers, then run the command again"
            ) from error

    def _argv(self, command: list[str]) -> list[str]:
        """Tie the CLI's life to ours where the system can: a killed `slipway` leaves no engine at work."""
        setpriv = shutil.which("setpriv")
        tie = [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []
        return [*tie, self._command, *command, "--non-interactive"]


def _looking(command: list[str]) -> list[str]:
    """The command after a run that was cut short: an update must not believe the state which that one left."""
    return [*command, "--refresh"] if command[0] == "up" and "--refresh" not in command else command


def _environment() -> dict[str, str]:
    """Our environment, with the CLI kept from asking the internet whether there is a newer one.

    GOGC: a process that lives for a second need not collect its garbage eight times.
    """
    return {"GOGC": "400", **os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
