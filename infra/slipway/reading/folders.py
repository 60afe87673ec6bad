"""Locate a person's files."""

import os
from dataclasses import dataclass
from pathlib import Path


def find_root(folder: Path) -> Path:
    """The folder that paths in specs are relative to: the nearest one above that has a Pulumi.yaml, else itself.

    No link of a spec, of settings or of what they name leads out of it.
    """
    # Without `..`, which would make a folder beside this one look as if it were below it.
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100 - pathlib's way follows links, too
    for parent in (absolute, *absolute.parents):
        if (parent / "Pulumi.yaml").is_file():
            return parent
    return folder


def from_root(path: Path) -> Path:
    """A path of the project that this folder is in, as seen from here: `../models` in a folder of the project."""
    return Path(os.path.relpath(find_root(Path()) / path))


@dataclass(frozen=True)
class Folders:
    """Where a person's files are: specs, and settings. `offline`: weights that are elsewhere may not be fetched."""

    models: Path
    settings: Path
    offline: bool = False
