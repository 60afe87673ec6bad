"""A folder that loses power: a FUSE file system that keeps what was synced, and of all else a part that chance decides.

    python -m tests.support.losing_disk MOUNT KEPT --seed 7

MOUNT shows what is in KEPT. It says `there` when it is mounted. A line with a number on its standard input has the
power go that many operations later; then it writes what a disk would have into KEPT, says `cut` and how
many changes were not synced, and every operation fails. FUSE_LIBRARY_PATH names libfuse3.
"""

import argparse
import errno
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mfusepy  # type: ignore[import-untyped]

from tests.support.losing_tree import PAGE, File, LosingTree

_CHANGES = ("create", "write", "truncate", "rename", "unlink", "mkdir", "fsync", "fsyncdir")


def _mounted(tree: LosingTree, mount: Path, cut: Callable[[], bool]) -> None:
    """Serve until it is unmounted. `cut`: asked before each operation; True: the disk answers nothing any more."""

    class Mounted(mfusepy.Operations):  # type: ignore[misc]
        use_ns = True

        def _at(self, path: str) -> Any:
            if path not in tree.seen:
                raise mfusepy.FuseOSError(errno.ENOENT)
            return tree.seen[path]

        def getattr(self, path: str, fh: Any = None) -> dict[str, Any]:
            held = self._at(path)
            if isinstance(held, int):
                return {"st_mode": stat.S_IFDIR | held, "st_nlink": 2}
            return {"st_mode": stat.S_IFREG | held.mode, "st_nlink": 1, "st_size": len(held.data)}

        def readdir(self, path: str, fh: Any) -> list[str]:
            return [".", "..", *(Path(one).name for one in tree.seen if one != "/" and str(Path(one).parent) == path)]

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            new = File(b"", stat.S_IMODE(mode))
            tree.name(lambda names: names.__setitem__(path, new))
            return 0

        def open(self, path: str, flags: int) -> int:
            self._at(path)
            return 0

        def read(self, path: str, size: int, offset: int, fh: Any) -> bytes:
            return bytes(self._at(path).data[offset : offset + size])

        def write(self, path: str, data: bytes, offset: int, fh: Any) -> int:
            held = self._at(path).data
            held.extend(b"\0" * (offset - len(held)))
            held[offset : offset + len(data)] = data
            return len(data)

        def truncate(self, path: str, length: int, fh: Any = None) -> int:
            del self._at(path).data[length:]
            return 0

        def chmod(self, path: str, mode: int) -> int:
            self._at(path).mode = stat.S_IMODE(mode)
            return 0

        def mkdir(self, path: str, mode: int) -> int:
            tree.name(lambda names: names.__setitem__(path, stat.S_IMODE(mode)))
            return 0

        def rename(self, old: str, new: str) -> int:
            self._at(old)
            tree.name(lambda names: names.__setitem__(new, names.pop(old)))
            return 0

        def unlink(self, path: str) -> int:
            self._at(path)
            tree.name(lambda names: names.pop(path, None))
            return 0

        def fsync(self, path: str, datasync: int, fh: Any) -> int:
            held = self._at(path)
            held.synced = bytes(held.data)
            return 0

        def fsyncdir(self, path: str, datasync: int, fh: Any) -> int:
            tree.sync_names()
            return 0

        def statfs(self, path: str) -> dict[str, int]:
            return {"f_bsize": PAGE, "f_frsize": PAGE, "f_blocks": 2**20, "f_bavail": 2**19, "f_bfree": 2**19}

    for name in [each for each in vars(Mounted) if not each.startswith("_") and each != "use_ns"]:
        setattr(Mounted, name, _powered(name, getattr(Mounted, name), tree, cut))
    options = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0, "allow_other": True}
    mfusepy.FUSE(Mounted(), str(mount), foreground=True, nothreads=True, default_permissions=True, **options)


def _powered(name: str, does: Callable[..., Any], tree: LosingTree, cut: Callable[[], bool]) -> Callable[..., Any]:
    """An operation as long as there is power; those that change something count."""

    def asked(*arguments: Any) -> Any:
        if cut():
            raise mfusepy.FuseOSError(errno.EIO)
        tree.operations += name in _CHANGES
        return does(*arguments)

    return asked


def main() -> None:
    """Serve a folder until it is unmounted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("mount", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    tree = LosingTree(asked.seed)
    tree.load(asked.kept)
    lock, at, gone = threading.Lock(), [sys.maxsize], [False]

    def cut() -> bool:
        with lock:
            if not gone[0] and tree.operations >= at[0]:
                gone[0] = True
                print("cut", tree.left(asked.kept), flush=True)
            return gone[0]

    def commands() -> None:
        while not os.path.ismount(asked.mount):
            time.sleep(0.02)
        print("there", flush=True)
        for line in sys.stdin:
            with lock:
                at[0] = tree.operations + int(line)
            cut()

    threading.Thread(target=commands, daemon=True).start()
    _mounted(tree, asked.mount, cut)


if __name__ == "__main__":
    main()
