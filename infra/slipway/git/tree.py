"""Lay out the files of a commit beside those that are checked out."""

import os
import shutil
from pathlib import Path

from slipway.git.repository import Repository


def lay_out(repository: Repository, root: Path, commit: str, target: Path, ignored: Path) -> None:
    """Write the regular files that a commit has below `root`, the repository's folder, into `target`.

    A file that is here as it was then is linked or copied, since it may be large, or kept elsewhere by Git LFS. What
    git is told to ignore below `ignored`, such as weights that were fetched, is taken from here: no commit has another.

    Raises:
        GitFailed: git refuses, or takes longer than the repository's limit.
        OSError: a file cannot be written.
    """
    then, now = repository.files(commit), repository.as_added()
    for name, object_ in then.items():
        if now.get(name) == object_ and _is_file(root / name):
            _same(root / name, target / name)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(repository.read(object_))
    for name in repository.ignored(str(ignored)):
        if name not in then and _is_file(root / name):
            _same(root / name, target / name)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _same(here: Path, there: Path) -> None:
    there.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(here, there)
    except OSError:  # another filesystem, or one without links
        shutil.copyfile(here, there)
