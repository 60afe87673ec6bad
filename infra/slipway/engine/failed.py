"""Say why an operation of the engine failed, as the error that tells what to do next."""

import os
import subprocess

from slipway.engine.events import Outcome
from slipway.engine.state_files import complained, folder_of
from slipway.errors.base import SlipwayError
from slipway.errors.failures import NoSpace, SecretsLocked, StackFailed
from slipway.errors.full_disk import full, is_full


def printed(stack: str, operation: str, result: subprocess.CompletedProcess[str]) -> str:
    """What a command of the CLI printed; raises `failure`."""
    if result.returncode:
        raise failure(stack, operation, (result.stderr.strip(),))
    return result.stdout


def backend() -> str:
    """Where the states are."""
    return os.environ.get("PULUMI_BACKEND_URL", "")


def no_stack(*errors: str) -> bool:
    """Whether errors of the CLI say that there is no such stack."""
    return any("no stack named" in text for text in errors)


def checked(stack: str, operation: str, result: Outcome) -> Outcome:
    """An outcome that is none of a failure; raises `failure`."""
    if result.failed:
        raise failure(stack, operation, result.errors)
    return result


def failure(stack: str, operation: str, reasons: tuple[str, ...]) -> SlipwayError:
    """The error for what the CLI gave as reasons."""
    if locked := next((reason for reason in reasons if SecretsLocked.SIGN in reason), None):
        return SecretsLocked(stack, operation, " ".join(locked.split()))
    what = f"stack {stack}: {operation} failed"
    folder = folder_of(backend())
    if complained(reasons) and folder and is_full(folder):  # it read what itself could not write
        return NoSpace(what, str(folder), "no space left on device")
    return full(what, backend(), reasons) or StackFailed(stack, operation, reasons)
