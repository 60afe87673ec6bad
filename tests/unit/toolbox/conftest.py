"""A box without dependencies, whose environment is made once for all tests of this package."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uv

from slipway.toolbox.box import Box
from slipway.toolbox.running import run

PROJECT = """\
[project]
name = "tiny"
version = "0"
requires-python = ">=3.11,<3.14"
dependencies = []

[tool.uv]
package = false
"""


def tiny_box(folder: Path) -> Box:
    """A box in a folder of a test."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    subprocess.run((uv.find_uv_bin(), "lock", "--quiet", "--offline", "--project", folder), check=True)
    return Box("tiny", folder)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of environments of these tests."""
    return tmp_path_factory.mktemp("toolboxes")


class Tiny:
    """A box whose scripts a test writes, and what its run told."""

    def __init__(self, box: Box, environments: Path, work: Path) -> None:
        self.box = box
        self.work = work
        self.output = work / "output"
        self.told: list[str] = []
        self._environments = environments

    def run(self, body: str, limit_s: float = 60, memory: int | None = None, **request: Any) -> Mapping[str, Any]:
        """Run a script with this text."""
        self.box.script("script").write_text(body)
        self.output.mkdir(parents=True, exist_ok=True)
        return run(
            self.box,
            "script",
            {"output": str(self.output), **request},
            self.work,
            self.told.append,
            limit_s,
            memory=memory,
            environments=self._environments,
        )


@pytest.fixture
def tiny(tmp_path: Path, environments: Path) -> Tiny:
    """A box and a folder to run its script in."""
    return Tiny(tiny_box(tmp_path / "tiny"), environments, tmp_path / "work")


MakeBox = Callable[[Path], Box]
