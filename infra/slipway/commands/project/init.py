"""Write a project of a person's own: specs, settings and the two files by which Pulumi finds Slipway's programs."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from slipway import console
from slipway.commands.project.own_requirement import own_requirement
from slipway.errors.base import FileRefused, Place, UserError, UserErrors, shown
from slipway.installation import DISTRIBUTION, resource

_TEMPLATE = "templates/project"
_EXAMPLE = (
    "models/digits/check.json",
    "models/digits/model.onnx",
    "models/digits/seven.png",
    "stacks/Pulumi.local.yaml",
)
"""Files of Slipway's own repository that a project begins with, by the same paths.

Its spec is the template's: Slipway's own serves what steps made, and a first `up` needs no tools for that.
"""
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def init_project(folder: Path, name: str | None) -> None:
    """Write a project into `folder`, and say what comes next.

    Raises:
        UserErrors: a file is there already, or cannot be written; then nothing is.
        UserError: `name` cannot be the name of a Python project.
    """
    files = project_files(_checked(name) if name is not None else _name_of(folder))
    refused = [error for path in files if (error := _refused(folder, path))]
    if refused:
        raise UserErrors(refused)
    _write({folder / path: content for path, content in files.items()})
    for path in files:
        console.result(str(folder / path))
    console.message(_next_steps(folder))


def project_files(name: str) -> dict[Path, bytes]:
    """The content of each file of a new project, by its path in it."""
    template = resource(_TEMPLATE)
    found = sorted(path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc")
    files = {path.relative_to(template): path.read_bytes() for path in found}
    files |= {Path(path): resource(path).read_bytes() for path in _EXAMPLE}
    project = Path("pyproject.toml")
    return files | {project: _filled(files[project].decode(), name).encode()}


def _filled(project: str, name: str) -> str:
    """The template of pyproject.toml with the project's name, and with Slipway as it is installed here."""
    own = own_requirement()
    project = project.replace('name = "models"', f'name = "{name}"').replace('"slipway-ml"', json.dumps(own.text))
    return project + own.sources


def _checked(name: str) -> str:
    place, allowed = Place("--name"), "letters, digits, and . _ - between them, at most 63"
    if not _NAME.fullmatch(name):
        raise UserError(
            place, None, f"{shown(name)} cannot name a Python project", allowed, "write for example my-models"
        )
    if re.sub(r"[-_.]+", "-", name).lower() == DISTRIBUTION:
        raise UserError(place, None, f"{shown(name)} is Slipway's own name", allowed, "write for example my-models")
    return name


def _name_of(folder: Path) -> str:
    """The folder's name as one of a Python project; `models` where nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", Path(os.path.abspath(folder)).name.lower())[:63].strip("-")  # noqa: PTH100 - a link keeps its name
    return "models" if name in ("", DISTRIBUTION) else name


def _refused(folder: Path, path: Path) -> FileRefused | None:
    """Why a file cannot be written, if it cannot: it is there, or something on its way is no folder."""
    target = folder / path
    if os.path.lexists(target):
        todo = "move it away, or name another folder: slipway init FOLDER"
        return FileRefused(str(target), "is there already", "a folder that does not have it", todo)
    for above in (folder, *(folder / parent for parent in path.parents)):
        if os.path.lexists(above) and not above.is_dir():
            return FileRefused(
                str(above), "is not a folder", "a folder, or nothing", "move it away, or name another folder"
            )
    return None


def _write(files: Mapping[Path, bytes]) -> None:
    written: list[Path] = []
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(
            str(error.filename or path), problem, "a folder that you may write to", "name another folder"
        ) from error


def _next_steps(folder: Path) -> str:
    enter = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    steps = [
        *enter,
        "uv sync                        # Slipway and what it needs, locked in uv.lock",
        "uv run slipway validate        # specs and settings, offline",
        "uv run slipway plan local      # releases, node pools and why, cold start",
        "uv run slipway local up        # on Debian or Ubuntu, as root: a cluster, Docker and a registry here",
        "uv run slipway local run -- slipway up local",
    ]
    return "\n".join(["next:", *(f"  {step}" for step in steps)])
