"""Keep the weights that devices fetch: a folder beside the fleet's file, each object under its digest.

Devices verify 4 MiB at a time, so that a link that is cut costs no more than that. The digests of these pieces are an
object of their own, whose digest is in the signed document: a document is as small for 100 GiB as for one.
"""

import base64
import json
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from slipway.values.aliases import Json

PIECE = 4 * 2**20
"""Bytes; as in `slipway_edge.fetching.pieces`, where the reason is."""
FRESH_S = 3600.0
_MODE = 0o600
_HEX = frozenset("0123456789abcdef")
_DIGITS = 64


class Shelf:
    """The folder; it is made when something is put there, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or made yet."""
        self.folder = folder

    def find(self, digest: str) -> Path | None:
        """Where the object with a digest is; None: it is not here."""
        if len(digest) != _DIGITS or not set(digest) <= _HEX:
            return None
        path = self.folder / digest
        return path if path.is_file() else None

    def write(self, digest: str, blocks: Iterable[bytes]) -> None:
        """Write an object: beside, synced, renamed, synced. Two commands that write the same do not meet.

        What `blocks` raises leaves nothing; whoever makes them verifies the digest before they end.

        Raises:
            OSError: the disk is full or broken.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.folder / f".{digest}.{os.getpid()}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(beside, flags, _MODE), "wb") as target:
                target.writelines(blocks)
                target.flush()
                os.fsync(target.fileno())
            beside.replace(self.folder / digest)
        finally:
            beside.unlink(missing_ok=True)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def tidy(self, wanted: Collection[str]) -> int:
        """Delete the objects that are not `wanted`, by digest, nor were put here just now; returns how many.

        A download that runs goes on; so does another `up`, which has put something here and not yet said so.
        """
        before = time.time() - FRESH_S
        found = [path for path in self.folder.glob("*") if path.name not in wanted and path.stat().st_mtime < before]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)


def shelf_path(store: Path) -> Path:
    """The folder of weights of a fleet, by its file."""
    return store.with_name(f"{store.name.removesuffix('.sqlite')}.weights")


def digests_of(entry: Json) -> set[str]:
    """The digests of all that a device may fetch for one model of its document."""
    files = (entry.get("weights") or {"files": ()})["files"]
    return {str(digest) for file in files for digest in (file["sha256"], file["pieces"]) if digest is not None}


def digests_in(envelope: bytes) -> set[str]:
    """The digests of all that the device of a document, in its envelope, may fetch."""
    models: list[Json] = json.loads(base64.b64decode(json.loads(envelope)["payload"]))["models"]
    return {digest for one in models for digest in digests_of(one)}
