"""Run git so that it only reads: no lock, no hook, no program that a repository's configuration names, no network."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

# Plumbing needs none of these; they are for whatever a later git may ask of a configuration that is not ours.
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "log.showSignature=false",
    "protocol.allow=never",
)
_ENVIRON = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class GitFailed(Exception):
    """Git is not there, refused, or took too long. `str()` says why, in one line."""


def git(folder: Path, arguments: Sequence[str], limit_s: float, *, given: bytes = b"") -> bytes:
    """What a command of git's prints, run in a folder.

    Args:
        folder: where.
        arguments: the command.
        limit_s: seconds that it may take.
        given: its standard input.

    Raises:
        GitFailed: it did not end well.
    """
    try:
        # What a person set for git, such as GIT_DIR in a hook, holds here too.
        done = subprocess.run(
            ["git", *_options(folder), *arguments],
            env={**os.environ, **_ENVIRON},
            input=given,
            capture_output=True,
            check=False,
            timeout=limit_s,
        )
    except FileNotFoundError:
        raise GitFailed("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git took longer than {limit_s:g} s") from None
    except (OSError, ValueError) as error:
        raise GitFailed(f"git cannot be run: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitFailed((said[0] if said else f"git ended with {done.returncode}")[:300])
    return done.stdout


def _options(folder: Path) -> list[str]:
    settings = [part for setting in _SAFE for part in ("-c", setting)]
    return ["--no-pager", "--literal-pathspecs", *settings, "-C", str(folder)]
