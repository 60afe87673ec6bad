"""Say who runs a command, and which commit the specs are of."""

import getpass
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from slipway.git.command import GitFailed, git
from slipway.history.entry import Commit, Who

_GIT_LIMIT_S = 10.0
_RUN = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
_SHA = re.compile(r"[0-9a-f]{40,64}")
_USER = 64
_HOST = 253


def who(environ: Mapping[str, str]) -> Who:
    """Whoever runs this command; in a workflow of GitHub's, who set it off, and the URL of the run."""
    host = socket.gethostname()[:_HOST]
    if all(environ.get(name) for name in _RUN):
        server, repository, run = (environ[name] for name in _RUN)
        actor = environ.get("GITHUB_ACTOR") or _user()
        return Who(user=actor[:_USER], host=host, run=f"{server}/{repository}/actions/runs/{run}"[:2000])
    return Who(user=_user()[:_USER], host=host)


def commit(folder: Path) -> Commit | None:
    """The commit that a folder's repository is at; None outside of one, without git, or where git does not say soon."""
    sha = _git(folder, "rev-parse", "--verify", "HEAD")
    if sha is None or not _SHA.fullmatch(sha):
        return None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=normal")
    return Commit(sha=sha, dirty=changed != "")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user often has no name
        return str(os.getuid())


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        return git(folder, arguments, _GIT_LIMIT_S).decode(errors="replace").strip()
    except GitFailed:
        return None
