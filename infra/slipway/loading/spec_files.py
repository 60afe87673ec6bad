"""Find the specs of a folder, and the names of their models."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.errors.base import FileRefused, UserError
from slipway.lockfile.files import is_lock
from slipway.reading.yaml_document import read_document


def spec_files(models_dir: Path) -> list[Path]:
    """The specs of a folder, sorted; raises `FileRefused` when there is none."""
    name = str(models_dir)
    try:
        entries = sorted(models_dir.iterdir())
    except OSError as error:
        todo = "name the folder with --models"
        problem = f"cannot be read: {error.strerror}"
        raise FileRefused(name, problem, "a folder with one *.yaml per model", todo) from None
    files = [entry for entry in entries if entry.suffix in (".yaml", ".yml") and not _is_other(entry)]
    if not files:
        raise FileRefused(name, "has no spec", "one *.yaml per model", "write one; docs/reference/spec.md shows how")
    return files


def _is_other(path: Path) -> bool:
    """Whether a file of YAML among the specs is none: hidden, or a lock."""
    return path.name.startswith(".") or is_lock(path)


def name_in(path: Path) -> set[str]:
    """The name of the model in a spec that is wrong, if so much of it can be read."""
    name = _glance(path).get("name")
    return {name} if isinstance(name, str) else set()


def is_pipeline(path: Path) -> bool:
    """Whether a spec asks other models, as far as it can be read."""
    return "pipeline" in _glance(path)


def _glance(path: Path) -> Mapping[str, Any]:
    """What stands in a spec, right or wrong; nothing where it cannot be read."""
    try:
        value = read_document(path, str(path)).value
    except UserError:
        return {}
    return value if isinstance(value, dict) else {}
