"""Commits of a repository of a test's own."""

import subprocess
from pathlib import Path

_WHO = {"user.name": "mia", "user.email": "mia@example.com", "commit.gpgSign": "false", "core.hooksPath": "/dev/null"}


def commit(folder: Path, message: str = "work") -> str:
    """Commit all that is in a folder, made a repository where it is none; returns the commit."""
    if not (folder / ".git").exists():
        _git(folder, "init", "-q", "--initial-branch=main")
    _git(folder, "add", "--all")
    _git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    settings = [part for name, value in _WHO.items() for part in ("-c", f"{name}={value}")]
    done = subprocess.run(["git", *settings, "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout
