"""Find the Pulumi CLI with its Python hosts, or build the CLI and put the hosts beside it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from slipway.local.build import toolchain
from slipway.local.build.golang import Go, module_folder
from slipway.local.host import paths
from slipway.local.host.commands import explained
from slipway.local.host.steps import Report

MODULE = toolchain.MODULES / "pulumi"
VERSION = "3.230.0"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_CLI = toolchain.GoProgram(
    module=MODULE,
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    ldflags=f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}",
)
_HOST = "pulumi-language-python"
_EXECUTOR = "pulumi-language-python-exec"
_DYNAMIC = "pulumi-resource-pulumi-python"


def _add_sdk_files(go: Go, folder: Path) -> None:
    """The official executor and dynamic provider host: scripts that lie in the SDK's Go module."""
    sdk = module_folder(go, MODULE, _SDK) / "python"
    for source in (sdk / "cmd" / _EXECUTOR, sdk / "dist" / _DYNAMIC):
        target = folder / source.name
        shutil.copyfile(source, target)
        target.chmod(0o755)


def installed() -> Path | None:
    """A complete Pulumi installation of the machine: a CLI as new as the pin, and both Python hosts."""
    found = shutil.which("pulumi", path=_path_without_ours())
    if found is None:
        return None
    beside = Path(found).resolve().parent
    hosts = (_HOST, _EXECUTOR, _DYNAMIC)
    path = _path_without_ours()
    if not all((beside / host).exists() or shutil.which(host, path=path) for host in hosts):
        return None
    with explained(f"asking the machine's own Pulumi, {found}, for its version"):
        answer = subprocess.run([found, "version"], capture_output=True, text=True, timeout=30, check=False)
    return Path(found) if answer.returncode == 0 and accepts(answer.stdout) else None


def accepts(version: str) -> bool:
    """Whether `pulumi version` names a release of the pinned major version that is not older than the pin."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version.strip())
    pin = tuple(map(int, VERSION.split(".")))
    if found is None:
        return False
    has = tuple(map(int, found.groups()))
    return has[0] == pin[0] and has >= pin


def bring(go: Go, report: Report) -> None:
    """Put the built CLI and its hosts into STATE_BIN.

    The CLI is a hard link (a copy across file systems), not a symbolic one: it looks for its hosts beside its
    real path, and warns in every command when it finds them elsewhere.
    """

    def make(new: Path) -> None:
        toolchain.compile_program(_CLI, go, new / "pulumi", report)
        _add_sdk_files(go, new)

    digest = toolchain.digest(MODULE, go.version.encode(), _CLI.ldflags.encode())
    folder = toolchain.cached("pulumi", digest, make)
    paths.STATE_BIN.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("pulumi", _EXECUTOR, _DYNAMIC):
        _place(folder / name, paths.STATE_BIN / name)
    script = paths.STATE_BIN / f".{_HOST}.new"
    script.write_text(host_script(Path(sys.executable), paths.STATE_BIN / _EXECUTOR))
    script.chmod(0o755)
    script.rename(paths.STATE_BIN / _HOST)


def remove() -> None:
    """Take our CLI and hosts off the environment's PATH: the machine's own installation is used."""
    for name in ("pulumi", _EXECUTOR, _DYNAMIC, _HOST):
        (paths.STATE_BIN / name).unlink(missing_ok=True)


def host_script(python: Path, executor: Path) -> str:
    """The `pulumi-language-python` that the CLI starts; -P: no project may shadow this package."""
    command = shlex.join([str(python), "-P", "-u", "-m", "slipway.local.plugins.python_host.language"])
    return f'#!/bin/sh\nPULUMI_PYTHON_EXEC={shlex.quote(str(executor))} exec {command} "$@"\n'


def _place(source: Path, target: Path) -> None:
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(source)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, new)
    new.rename(target)


def _path_without_ours() -> str:
    """PATH without STATE_BIN: what `up` itself brought is no installation of the machine."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry != str(paths.STATE_BIN))
