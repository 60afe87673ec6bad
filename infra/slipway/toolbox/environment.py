"""Make the environment of a box: once for this user, whole or not at all, by uv and the user's package index."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import uv
from filelock import FileLock, Timeout

from slipway.errors.full_disk import disk_errors, full
from slipway.toolbox.box import Box, OwnBox
from slipway.toolbox.errors import BoxUnavailable
from slipway.values.user_cache import user_cache

Tell = Callable[[str], None]
"""Takes a line of progress for people."""

_LIMIT_S = 3600.0
"""As long as the largest box, 5 GB, may take on a slow line; who waits for the process that makes it waits as long."""
_SAID_LINES = 6


def toolboxes() -> Path:
    """The folder of environments in the user's cache."""
    return user_cache() / "toolboxes"


def prepare(box: Box, tell: Tell, folder: Path | None = None) -> Path:
    """The Python of a box's environment, which is made where it is not there yet.

    It is made beside its place and then renamed, so that a killed run leaves nothing that looks whole; what such runs
    left is removed by the next one. A second process waits for the first.

    Args:
        box: which one.
        tell: takes a line when the environment has to be made.
        folder: that of all environments; this user's if left out.

    Raises:
        BoxUnavailable: uv cannot install it, or another process did not finish within an hour.
        NoSpace: the disk is full.
    """
    folder = folder or toolboxes()
    name = f"{box.name}-{box.environment[:16]}"
    python = folder / name / "bin" / "python"
    if python.exists():
        os.utime(folder / name)  # `slipway cache` removes what nobody used for long
        return python
    with disk_errors(f"the tool environment {box.name} was not made", folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            held = FileLock(folder / f"{name}.lock", timeout=_LIMIT_S, fallback_to_soft=False).acquire()
        except Timeout:
            reason = f"another process makes it, and did not finish in {_LIMIT_S / 60:.0f} min"
            raise BoxUnavailable(box.name, str(folder), reason) from None
        with held:
            if not python.exists():
                tell(f"making the tool environment {box.name} in {folder} (once; uv fetches what its lock names)")
                _make(box, folder, name)
    return python


def _make(box: Box, folder: Path, name: str) -> None:
    for left in folder.glob(f".{name}-*"):  # of runs that were killed: this process holds the lock
        shutil.rmtree(left)
    shutil.rmtree(folder / name, ignore_errors=True)  # without its Python, since that is what was looked for
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as making:
        work = Path(making)
        environment = work / "environment"
        _uv(box, folder, ("venv", "--quiet", "--relocatable", "--python", sys.executable, str(environment)))
        _uv(box, folder, _install(environment / "bin" / "python", _requirements(box, folder, work)))
        environment.rename(folder / name)


def _requirements(box: Box, folder: Path, work: Path) -> Path:
    """Exact versions with hashes. `uv sync` would ask the index that the lock names, never a company's mirror."""
    if isinstance(box, OwnBox):
        return box.folder
    exported = work / "requirements.txt"
    what = ("--frozen", "--no-dev", "--no-emit-project", "--no-header", "--format", "requirements.txt")
    _uv(box, folder, ("export", "--quiet", *what, "--project", str(box.folder), "--output-file", str(exported)))
    return exported


def _install(python: Path, requirements: Path) -> tuple[str, ...]:
    pinned = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
    return ("pip", "install", "--quiet", *pinned, "--python", str(python), "--requirements", str(requirements))


def _uv(box: Box, folder: Path, arguments: Sequence[str]) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    environment.pop("VIRTUAL_ENV", None)
    try:
        done = subprocess.run(
            (uv.find_uv_bin(), *arguments),
            env=environment,
            cwd=folder,  # a uv.toml of the working folder is another project's
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BoxUnavailable(box.name, str(folder), f"uv did not end within {_LIMIT_S / 60:.0f} min") from None
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        what = f"the tool environment {box.name} was not made"
        raise full(what, str(folder), said) or BoxUnavailable(box.name, str(folder), " ".join(said[-_SAID_LINES:]))
