"""Read what files were in earlier commits of the branch that is checked out."""

import os
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.git.command import GitFailed, git

_FIELD = re.compile(rb":[0-7]{6} (?P<mode>[0-7]{6}) [0-9a-f]{40,64} (?P<object>[0-9a-f]{40,64}) [A-Z][0-9]*")
_REGULAR = ("100644", "100755")
_COMMIT = re.compile(rb"[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that changed a file. `object`: the file after it, by git's own digest; None: it was gone, or a link."""

    commit: str
    path: str
    object: str | None


class Repository:
    """The commits of the branch that is checked out, along its first parents: what the branch was, step by step.

    Every method raises `GitFailed`; together they take no longer than `limit_s`.
    """

    def __init__(self, folder: Path, limit_s: float) -> None:
        """`folder`: what paths are relative to; in the repository, not necessarily its top."""
        self._folder = folder
        self._ends = time.monotonic() + limit_s

    @property
    def shallow(self) -> bool:
        """Whether earlier commits were left out when the repository was cloned."""
        return self._run("rev-parse", "--is-shallow-repository").strip() == b"true"

    def changes(self, paths: Collection[str], most: int) -> list[Change]:
        """What changed files at these paths, the newest first; of the newest so many commits that changed any."""
        # Of `log`, no setting runs a program here: no patch is shown, and no signature.
        form = ["-z", "--raw", "--no-abbrev", "--no-renames", "--relative", "--format=%H"]
        walk = ["--first-parent", "--diff-merges=first-parent", f"--max-count={most}"]
        named = b"HEAD\n--\n" + b"".join(path.encode() + b"\n" for path in sorted(paths) if "\n" not in path)
        return list(_parsed(self._run("log", *walk, *form, "--stdin", given=named)))

    def size(self, object_: str) -> int:
        """Bytes of a file, by git's own digest."""
        return int(self._run("cat-file", "-s", object_))

    def read(self, object_: str) -> bytes:
        """A file by git's own digest, as it was committed: no filter of the repository's runs."""
        return self._run("cat-file", "blob", object_)

    def at(self, commit: str, path: str) -> str | None:
        """The file at a path in a commit, by git's own digest; None where there is none, or a link."""
        found = self._run("ls-tree", "-z", commit, "--", path).split(b"\t", 1)[0].split()
        return found[2].decode() if len(found) == 3 and found[0].decode() in _REGULAR else None

    def commit(self, name: str) -> str:
        """The commit that a branch, a tag or any other of git's names stands for."""
        return self._run("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").decode().strip()

    def files(self, commit: str) -> dict[str, str]:
        """The regular files of a commit below the folder, by git's own digests."""
        return dict(_files(self._run("ls-tree", "-r", "-z", commit), 2))

    def as_added(self) -> dict[str, str]:
        """The regular files that are in the folder as they were added last, by git's own digests."""
        added = _files(self._run("ls-files", "--stage", "-z"), 1)
        # A file that was written a moment ago is read again by diff-files, through the filters that are configured.
        unfiltered = _unfiltered(_names(self._run("config", "--list", "--name-only", "-z")))
        touched = set(_names(self._run(*unfiltered, "diff-files", "--name-only", "--relative", "-z")))
        return {name: object_ for name, object_ in added if name not in touched}

    def ignored(self, below: str) -> list[str]:
        """The files at or below a path that git is told to ignore."""
        return _names(self._run("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", below))

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise GitFailed("git took too long")
        return git(self._folder, arguments, left, given=given)


def _parsed(printed: bytes) -> Iterator[Change]:
    """What `log -z --raw --format=%H` prints: the commit, then a field and a path for each file."""
    commit, field = "", None
    for part in printed.split(b"\0"):
        text = part.strip(b"\n")
        if field is not None:
            mode, object_ = field["mode"].decode(), field["object"].decode()
            yield Change(commit, part.decode(errors="surrogateescape"), object_ if mode in _REGULAR else None)
            field = None
        elif _COMMIT.fullmatch(text):
            commit = text.decode()
        else:
            field = _FIELD.fullmatch(text)


def _files(printed: bytes, at: int) -> Iterator[tuple[str, str]]:
    """Path and digest of each regular file that is printed: a mode, words of which the one `at` is it, and the path."""
    for line in filter(None, printed.split(b"\0")):
        about, _, name = line.partition(b"\t")
        words = about.decode().split()
        if words[0] in _REGULAR:
            yield os.fsdecode(name), words[at]


def _names(printed: bytes) -> list[str]:
    return [os.fsdecode(name) for name in printed.split(b"\0") if name]


def _unfiltered(settings: list[str]) -> Iterator[str]:
    """Options of git by which no filter of a repository runs."""
    for name in sorted({name.rpartition(".")[0] for name in settings if name.startswith("filter.")}):
        for setting in ("clean=", "smudge=", "process=", "required=false"):
            yield from ("-c", f"{name}.{setting}")
