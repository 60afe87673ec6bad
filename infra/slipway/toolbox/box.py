"""Name the tool environments: a folder of `tools/` with a lock, or the requirements file of a user's own script."""

import hashlib
import platform
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slipway import installation

STEP = "tools/step.py"
"""What starts every script: it reads the request, and writes the result or the refusal."""
SHARED = "tools/shared"
"""What scripts of several boxes import."""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Boxes are made with the Python that runs Slipway: none is fetched."""


@dataclass(frozen=True)
class Box:
    """An environment of `tools/<name>/`: pyproject.toml and uv.lock say what is in it, beside them lie its scripts."""

    name: str
    at: Path | None = None
    """Its folder; None for that of this name in Slipway's own `tools`."""

    @cached_property
    def folder(self) -> Path:
        """Where its lock and its scripts lie; raises `InstallationIncomplete` where it is missing."""
        return self.at or installation.resource(f"tools/{self.name}")

    @property
    def pins(self) -> tuple[Path, ...]:
        """The files that say what is installed."""
        return (self.folder / "pyproject.toml", self.folder / "uv.lock")

    @cached_property
    def environment(self) -> str:
        """The digest of what is installed: pins, Python and the machine's kind."""
        return _digest(self.pins, PYTHON, platform.system(), platform.machine())

    @cached_property
    def digest(self) -> str:
        """The digest of what decides about a result: what is installed, the scripts, and what starts them."""
        shared = (installation.resource(STEP), *_sources(installation.resource(SHARED)))
        return _digest((*self.pins, *_sources(self.folder), *shared), PYTHON)

    def script(self, name: str) -> Path:
        """The file of one of its scripts."""
        return self.folder / f"{name}.py"


@dataclass(frozen=True)
class OwnBox(Box):
    """The environment of a script of the user's: what a requirements file with hashes lists."""

    @property
    def pins(self) -> tuple[Path, ...]:
        """The requirements file; `at` is its path."""
        return (self.folder,)

    @cached_property
    def digest(self) -> str:
        """The digest of what is installed; the script is a file that the step reads, and is digested as such."""
        return _digest((*self.pins, installation.resource(STEP)), PYTHON)

    def script(self, name: str) -> Path:
        """The file of a script of the user's, by its path."""
        return Path(name)


def own(requirements: Path) -> OwnBox:
    """The environment of a user's script, made of a requirements file with hashes."""
    return OwnBox("script", requirements)


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.py"))


def _digest(files: tuple[Path, ...], *words: str) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for path in files:
        data = path.read_bytes()
        digest.update(f"\n{path.name} {len(data)}\n".encode() + data)
    return digest.hexdigest()
