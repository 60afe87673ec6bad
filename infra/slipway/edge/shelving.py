"""Have the weights of a model where devices fetch them, once for each digest."""

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import IO

from slipway.artifacts.onnx import ArtifactFile
from slipway.delivery.ways import Stored
from slipway.edge.shelf import PIECE, Shelf
from slipway.errors.full_disk import disk_errors
from slipway.errors.images import FileChanged
from slipway.reading.files import BadFile, open_regular
from slipway.values.aliases import Json, Tell


def shelved(shelf: Shelf, stored: Stored, bring: Callable[[Tell], None], tell: Tell) -> Json:
    """Have all files of some weights on the shelf; returns what documents say of them.

    `bring` is called before files are read, and only then: locked weights may not be on this machine. What is there
    under its digest is left alone: an object gets its name once it is whole and on the disk.

    Raises:
        FileChanged: a file has other bytes than were planned.
        NoSpace: the disk is full.
    """
    with disk_errors("weights cannot be kept for devices", f"{shelf.folder} (SLIPWAY_FLEET_STORE names another)"):
        if any(shelf.find(file.sha256) is None for file in stored.files):
            bring(tell)
        return {"folder": stored.folder, "files": [_shelved(shelf, file, tell) for file in stored.files]}


def described(stored: Stored) -> Json:
    """What is said of weights before they are anywhere: enough for the name of a release, too little for a device."""
    return {"folder": stored.folder, "files": [_described(file) for file in stored.files]}


def _described(file: ArtifactFile) -> Json:
    return {"name": file.name, "sha256": file.sha256, "bytes": file.size}


def _shelved(shelf: Shelf, file: ArtifactFile, tell: Tell) -> Json:
    said = _described(file) | {"pieces": None}
    there = shelf.find(file.sha256)
    if there is None:
        listed = _copied(shelf, file)
        tell(f"{file.name}: {file.size / 2**20:.1f} MiB are kept for devices")
    else:
        # As if it were new: what was put there just now is not tidied up.
        os.utime(there)
        with there.open("rb") as stream:
            listed = b"".join(hashlib.sha256(piece).digest() for piece in _pieces(stream))
    if file.size <= PIECE:
        return said
    digest = hashlib.sha256(listed).hexdigest()
    shelf.write(digest, [listed])
    return said | {"pieces": digest}


def _copied(shelf: Shelf, file: ArtifactFile) -> bytes:
    """Copy a file; returns the digests of its pieces, one after the other."""
    whole, listed = hashlib.sha256(), []

    def digested() -> Iterator[bytes]:
        with open_regular(file.path, "the file that was planned") as stream:
            for piece in _pieces(stream):
                whole.update(piece)
                listed.append(hashlib.sha256(piece).digest())
                yield piece
        found = whole.hexdigest()
        if found != file.sha256:
            raise FileChanged(file.path, f"has the sha256 {found[:16]} now, and {file.sha256[:16]} was planned")

    try:
        shelf.write(file.sha256, digested())
    except BadFile as error:
        raise FileChanged(file.path, error.problem) from None
    return b"".join(listed)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece
