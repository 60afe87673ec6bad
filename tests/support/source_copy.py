"""A copy of Slipway's source to which a written change is applied, and `slipway` run from it.

What an addition costs is counted here: the files that a person edits, without those that `slipway schema` generates.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("infra/slipway", "templates", "docs", "server/src/slipway_server")
_FILES = (
    "CHANGELOG.md",
    "Pulumi.yaml",
    "models/digits.lock.yaml",
    "models/digits.yaml",
    "stacks/Pulumi.local.yaml",
    *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("*/requirements*.txt"))),
)
_WEIGHTS = ("models/digits/model.onnx", "models/digits/test.npz", "models/digits/check.json")


@dataclass(frozen=True)
class Edit:
    """One edit of one file: `old`, which is there exactly once, becomes `new`; a new file where `old` is empty."""

    path: str
    old: str
    new: str


_HEAD = "## Unreleased\n\n### Changed\n\n"
CHANGELOG = Edit("CHANGELOG.md", _HEAD, f"{_HEAD}- Something new.\n")
"""The line that every addition has in the changelog."""


class SourceCopy:
    """The source and one model of it in a folder of its own, as somebody has it who extends Slipway."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in _COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in (*_FILES, *_WEIGHTS):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)

    def apply(self, edits: Sequence[Edit]) -> set[str]:
        """Apply a change by hand; returns the files that it touches."""
        for edit in edits:
            path = self.folder / edit.path
            if not edit.old:
                assert not path.exists(), f"{edit.path} is there already"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(edit.new)
                continue
            text = path.read_text()
            assert text.count(edit.old) == 1, f"{edit.path} has {text.count(edit.old)} times {edit.old!r}"
            path.write_text(text.replace(edit.old, edit.new))
        return {edit.path for edit in edits}

    def generate(self) -> set[str]:
        """Run `slipway schema`; returns the files that are other than before."""
        before = self._texts()
        self.well("schema")
        after = self._texts()
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    def _texts(self) -> dict[str, str]:
        paths = [path for path in self.folder.rglob("*") if path.suffix in (".py", ".md", ".json", ".j2")]
        return {path.relative_to(self.folder).as_posix(): path.read_text() for path in paths}

    def python(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program in Python that imports the copy."""
        return subprocess.run(
            [sys.executable, "-B", "-c", program, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "infra")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def slipway(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `slipway ...` of the copy, in it."""
        return self.python("from slipway.cli import main; main()", *arguments)

    def well(self, *arguments: str) -> str:
        """Run `slipway ...`, which has to end well; returns its standard output."""
        result = self.slipway(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def plan(self) -> dict[str, Any]:
        """The plan of the only model."""
        (model,) = json.loads(self.well("plan", "local", "--json"))["models"]
        return dict(model)
