"""Print the JSON Schemas of specs and settings; in Slipway's own repository, write them and the reference pages."""

from pathlib import Path
from typing import Literal

import click

from slipway import console
from slipway.commands.project.reference import generate, settings_schema, spec_schema
from slipway.errors.base import FileRefused, Place, UserError, UserErrors
from slipway.installation import checkout
from slipway.reading.folders import find_root, from_root

_MAKERS = {"spec": spec_schema, "settings": settings_schema}


def show_schema(commands: click.Group, kind: Literal["spec", "settings"] | None, *, check: bool) -> None:
    """Print one schema as JSON, or with None a document with the keys `spec` and `settings`.

    In Slipway's own repository None writes files, or with `check` tells which are stale.

    Raises:
        UserError: `check` elsewhere; or a file is stale.
    """
    root = checkout()
    here = root is not None and find_root(Path()).resolve() == root.resolve()
    if check and (kind or not here):
        problem = "is about the files in docs/ of Slipway's own repository"
        raise UserError(Place("--check"), None, problem, "slipway schema [spec|settings]", "leave --check out")
    if kind:
        console.document(_MAKERS[kind]())
    elif here:
        _write_schema(commands, check=check)
    else:
        console.document({name: make() for name, make in _MAKERS.items()})


def _write_schema(commands: click.Group, *, check: bool) -> None:
    """Write the generated files of Slipway's repository; with `check` only tell which are stale, as a `UserError`."""
    generated = {from_root(path): text for path, text in generate(commands).items()}
    if check:
        files = [path for path, text in generated.items() if not path.is_file() or path.read_text() != text]
        if files:
            raise UserErrors(
                [
                    FileRefused(str(path), "is stale", "what `slipway schema` writes", "run slipway schema")
                    for path in files
                ]
            )
        console.result("generated files are up to date")
        return
    for path, text in generated.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        console.result(str(path))
