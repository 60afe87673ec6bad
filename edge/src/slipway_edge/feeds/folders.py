"""Files of a folder as inputs, and answers as files of a folder. Nothing is reached by a link."""

import hashlib
import heapq
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.ports import INPUT_LIMIT, Input
from slipway_edge.values.clock import Clock
from slipway_edge.values.errors import Away
from slipway_edge.values.feeding import FolderSink, FolderSource

_AT_ONCE = 256
"""Files that are looked at together; the others' turn comes."""
_SCAN_S = 0.5
_DONE, _REFUSED = "done", "refused"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_Seen = tuple[int, int]
"""Size in bytes and nanoseconds of the last change."""


class Folder:
    """Each new file is an input, the oldest first; names that begin with a dot are not.

    A file is taken when it is as it was half a second before: whoever writes slower writes to `.name` and renames.
    Answered ones go to `done`, those that the model refused to `refused`, below it; the newest `keep` of each stay.
    """

    skipped = 0

    def __init__(self, said: FolderSource, allowed: Allowed, clock: Clock) -> None:
        self._said = said
        self._allowed = allowed
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._look_at = clock.now()
        self._ready: list[str] = []

    def take(self, wait_s: float) -> Input | None:
        """The oldest file that nobody writes to any more."""
        with self._allowed.folder(self._said.path) as folder:
            while self._ready:
                one = self._read(folder, self._ready.pop(0))
                if one is not None:
                    return one
            if self._clock.now() >= self._look_at:
                _must_be_writable(folder, self._said.path)
                self._look(folder)
                self._look_at = self._clock.now() + _SCAN_S
        if not self._ready:
            self._clock.sleep(min(wait_s, self._look_at - self._clock.now()))
        return None

    def done(self, one: Input, refused: bool, /) -> None:
        """Move the file, and delete the oldest of those that were moved before."""
        with self._allowed.folder(self._said.path) as folder:
            name = _REFUSED if refused else _DONE
            try:
                with _below(folder, name) as there:
                    os.rename(one.name, one.name, src_dir_fd=folder, dst_dir_fd=there)
                    os.fsync(folder)
                    keep_newest(there, self._said.keep)
            except FileNotFoundError:
                return  # somebody took it away meanwhile
            except OSError as error:
                raise Away(f"{self._said.path}/{one.name} cannot be moved to {name}: {error.strerror}") from None

    def end(self, *, for_good: bool) -> None:
        """Nothing is held."""

    def _look(self, folder: int) -> None:
        found: dict[str, _Seen] = {}
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    found[entry.name] = (about.st_size, about.st_mtime_ns)
        oldest = heapq.nsmallest(_AT_ONCE, found, key=lambda name: (found[name][1], name))
        self._ready = [name for name in oldest if self._seen.get(name) == found[name]]
        self._seen = found

    def _read(self, folder: int, name: str) -> Input | None:
        try:
            # A pipe of that name would block, a link would lead away.
            number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError:
            return None
        with os.fdopen(number, "rb") as file:
            about = os.fstat(number)
            if not stat.S_ISREG(about.st_mode):
                return None
            body = file.read(INPUT_LIMIT + 1)
        age_s = max(0.0, time.time() - about.st_mtime)
        id_ = hashlib.sha256(f"{name}\n{about.st_mtime_ns}\n{about.st_ino}".encode(errors="surrogateescape"))
        made = self._clock.now() - age_s
        return Input(id_.hexdigest()[:32], name, body if len(body) <= INPUT_LIMIT else None, made)


class AnswersInFolder:
    """A file `<id>.json` for each answer, whole or absent; who fetches one deletes it."""

    def __init__(self, said: FolderSink, allowed: Allowed) -> None:
        self._said = said
        self._allowed = allowed
        self.dropped = 0

    def send(self, input_id: str, answer: bytes, /) -> None:
        """Write it beside, sync, rename, sync."""
        name, beside = f"{input_id}.json", f".{input_id}.new"
        with self._allowed.folder(self._said.path) as folder:
            try:
                _removed(beside, folder)
                number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640, dir_fd=folder)
                with os.fdopen(number, "wb") as file:
                    file.write(answer)
                    file.flush()
                    os.fsync(number)
                os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
                self.dropped += keep_newest(folder, self._said.keep, lambda one: one.endswith(".json"))
            except OSError as error:
                raise Away(f"{self._said.path}/{name} cannot be written: {error.strerror}") from None

    def end(self) -> None:
        """Nothing is held."""


def keep_newest(folder: int, keep: int, ours: Callable[[str], bool] = lambda _: True) -> int:
    """Delete all but the newest files, by when they came here; returns how many were."""
    with os.scandir(folder) as entries:
        found = [
            (entry.stat(follow_symlinks=False).st_ctime_ns, entry.name)
            for entry in entries
            if ours(entry.name) and entry.is_file(follow_symlinks=False)
        ]
    old = heapq.nsmallest(max(0, len(found) - keep), found)
    for _, name in old:
        _removed(name, folder)
    return len(old)


def _removed(name: str, folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


@contextmanager
def _below(folder: int, name: str) -> Iterator[int]:
    """The descriptor of a folder in a folder, which is made if it is not there."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    number = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield number
    finally:
        os.close(number)


def _must_be_writable(folder: int, path: str) -> None:
    """Else every file would be answered again and again."""
    if os.fstatvfs(folder).f_flag & os.ST_RDONLY or not os.access(f"/proc/self/fd/{folder}", os.W_OK):
        raise Away(f"folder {path} cannot be written to: answered files have to leave it")
