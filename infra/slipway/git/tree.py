"""Lay out the files of a commit beside those that are checked out: nothing of a repository's configuration is run."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.git.command import GitFailed, git

_REGULAR = ("100644", "100755")
_SEPARATOR = b"\0"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file as git keeps it: its mode, and the digest of what is in it."""

    mode: str
    object: str


def commit_of(folder: Path, name: str, limit_s: float) -> str:
    """The commit that a branch, a tag or any other of git's names stands for. Raises `GitFailed`."""
    found = git(folder, ["rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}"], limit_s)
    return found.decode().strip()


def lay_out(root: Path, commit: str, target: Path, ignored: Path, limit_s: float) -> None:
    """Write the regular files that a commit has below `root` into `target`.

    A file that is here as it was then is linked or copied, since it may be large, or kept elsewhere by Git LFS. What
    git is told to ignore below `ignored`, such as weights that were fetched, is taken from here: no commit has another.

    Raises:
        GitFailed: git refuses, or all of it took longer than `limit_s`.
        OSError: a file cannot be written.
    """
    ends = time.monotonic() + limit_s

    def run(*arguments: str, given: bytes = b"") -> bytes:
        left = ends - time.monotonic()
        if left <= 0:
            raise GitFailed(f"git took longer than {limit_s:g} s")
        return git(root, arguments, left, given=given)

    then = _parsed(run("ls-tree", "-r", "-z", commit))
    now = _parsed(run("ls-files", "--stage", "-z"))
    # A file that was written a moment ago is read again by diff-files, through the filters that are configured.
    unfiltered = _unfiltered(_names(run("config", "--list", "--name-only", "-z")))
    touched = set(_names(run(*unfiltered, "diff-files", "--name-only", "--relative", "-z")))
    other: list[tuple[Path, str]] = []
    for name, kept in then.items():
        if kept.mode not in _REGULAR:
            continue
        here = root / name
        if now.get(name) == kept and name not in touched and here.is_file() and not here.is_symlink():
            _same(here, target / name)
        else:
            other.append((target / name, kept.object))
    for name in _names(run("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", str(ignored))):
        # One that the commit has is written below: through a link, into the file that is here.
        if name not in then and (root / name).is_file() and not (root / name).is_symlink():
            _same(root / name, target / name)
    for path, object_ in other:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(run("cat-file", "blob", object_))


def _unfiltered(settings: list[str]) -> Iterator[str]:
    """Options of git by which no filter of a repository runs."""
    for name in sorted({name.rpartition(".")[0] for name in settings if name.startswith("filter.")}):
        for setting in ("clean=", "smudge=", "process=", "required=false"):
            yield from ("-c", f"{name}.{setting}")


def _same(here: Path, there: Path) -> None:
    there.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(here, there)
    except OSError:  # another filesystem, or one without links
        shutil.copyfile(here, there)


def _parsed(printed: bytes) -> dict[str, _Kept]:
    """What `ls-tree -z` or `ls-files --stage -z` prints, by path."""
    found = {}
    for line in filter(None, printed.split(_SEPARATOR)):
        about, _, name = line.partition(b"\t")
        words = about.decode().split()
        # ls-tree: mode, type, object; ls-files: mode, object, stage.
        found[os.fsdecode(name)] = _Kept(words[0], words[2] if words[1] in ("blob", "commit") else words[1])
    return found


def _names(printed: bytes) -> list[str]:
    return [os.fsdecode(name) for name in printed.split(_SEPARATOR) if name]
