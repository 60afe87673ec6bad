"""Find the Python that runs a Pulumi program, and its packages, from Pulumi.yaml's `runtime` options."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


class InterpreterError(Exception):
    """The options name a virtual environment that is not there; the message says which and how to make it."""


@dataclass(frozen=True)
class Plugin:
    """A provider plugin that an installed package names in its `pulumi-plugin.json`."""

    name: str
    version: str
    server: str


def virtualenv(root: Path, options: Mapping[str, object]) -> Path | None:
    """The virtual environment that the options ask for, if any; a relative path starts at the root."""
    named = options.get("virtualenv")
    if isinstance(named, str) and named:
        return (root / named).absolute()
    return (root / ".venv").absolute() if options.get("toolchain") == "uv" else None


def python_of(root: Path, options: Mapping[str, object]) -> Path:
    """The interpreter for a project: of its virtual environment, else the first on PATH.

    Raises:
        InterpreterError: the virtual environment is missing, or there is no Python on PATH.
    """
    venv = virtualenv(root, options)
    if venv is not None:
        python = venv / "bin" / "python"
        if not python.exists():
            raise InterpreterError(
                f"{root / 'Pulumi.yaml'}: runtime.options: there is no virtual environment at {venv};"
                " make it with `uv sync`"
            )
        return python
    found = shutil.which(os.environ.get("PULUMI_PYTHON_CMD", "python3")) or shutil.which("python")
    if found is None:
        raise InterpreterError("no python3 on PATH to run the Pulumi program with; activate a virtual environment")
    return Path(found)


def environment_of(python: Path, base: Mapping[str, str]) -> dict[str, str]:
    """The environment a program runs in: as if the interpreter's virtual environment had been activated."""
    env = {name: value for name, value in base.items() if name != "PYTHONHOME"}
    env["PATH"] = f"{python.parent}{os.pathsep}{env.get('PATH', '')}"
    venv = python.parent.parent
    if (venv / "pyvenv.cfg").exists():
        env["VIRTUAL_ENV"] = str(venv)
    return env


def site_packages(python: Path) -> list[Path]:
    """Where the interpreter's packages are, by Python's own layout, so that nothing is started for it."""
    prefix = python.parent.parent
    return sorted(folder for folder in prefix.glob("lib/python3.*/site-packages") if folder.is_dir())


def plugins(folders: list[Path]) -> Iterator[Plugin]:
    """The provider plugins that the packages in these folders need, each once, by name."""
    for folder in folders:
        for file in sorted(folder.glob("*/pulumi-plugin.json")):
            content = json.loads(file.read_text())
            if content.get("resource"):
                name = content.get("name", file.parent.name.removeprefix("pulumi_"))
                yield Plugin(name, content.get("version", ""), content.get("server", ""))


def installed(folders: list[Path]) -> list[tuple[str, str]]:
    """Name and version of every distribution in these folders, sorted."""
    found = metadata.distributions(path=[str(folder) for folder in folders])
    return sorted({(distribution.name, distribution.version) for distribution in found})


def served_elsewhere(debug_providers: str) -> set[str]:
    """The plugins that PULUMI_DEBUG_PROVIDERS (`name:port,...`) says are running already."""
    return {entry.split(":", 1)[0].strip() for entry in debug_providers.split(",") if ":" in entry}
