"""Find the specs of a folder, and the names of their models."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from slipway.errors.base import FileRefused, Place, UnknownName, UserError, each
from slipway.lockfile.files import is_lock
from slipway.reading.yaml_document import Document, read_document


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


def named_documents(
    models_dir: Path, models: Sequence[str], found: list[UserError]
) -> Iterator[tuple[str, Path, Document]]:
    """The specs of the models named, of all when none is: the model's name, the file, and what stands in it.

    What cannot be read, and a name that no spec has, is added to `found`.
    """
    known: list[str] = []
    for path in spec_files(models_dir):
        name, error = path.stem, None
        try:
            document = read_document(path, str(path))
            name = next(iter(_name(document)), name)
        except UserError as refused:
            error = refused
        known.append(name)
        if models and name not in models:
            continue
        if error is not None:
            found += each(error)
        else:
            yield name, path, document
    found += [UnknownName(Place(str(models_dir)), "model", name, known) for name in models if name not in known]


def name_in(path: Path) -> set[str]:
    """The name of the model in a spec that is wrong, if so much of it can be read."""
    try:
        return _name(read_document(path, str(path)))
    except UserError:
        return set()


def is_pipeline(path: Path) -> bool:
    """Whether a spec asks other models, as far as it can be read."""
    try:
        document = read_document(path, str(path))
    except UserError:
        return False
    return isinstance(document.value, dict) and "pipeline" in document.value


def _name(document: Document) -> set[str]:
    name = document.value.get("name") if isinstance(document.value, dict) else None
    return {name} if isinstance(name, str) else set()
