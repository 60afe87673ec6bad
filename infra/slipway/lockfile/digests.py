"""Digest what decides about a lock: the parts of the spec, and the files of the repository that are read."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.lockfile.model import Lock
from slipway.reading.digests import sha256_of
from slipway.reading.files import BadFile, inside
from slipway.spec.model import ModelSpec
from slipway.values.quantities import compact_json

DECIDING = ("artifact", "optimize", "accept", "input", "output")
"""The parts of a spec that decide about its lock."""
_OF_THE_WAY = ("delivery", "encrypted")
"""Of the artifact: how the bytes travel, which changes none of them."""


def spec_digest(spec: ModelSpec) -> str:
    """The sha256 of the parts of a spec that decide about its lock; what is left out counts nothing."""
    written = spec.model_dump(mode="json", include=set(DECIDING))
    artifact = {key: value for key, value in written.get("artifact", {}).items() if key not in _OF_THE_WAY}
    decides: dict[str, Any] = {key: value for key, value in written.items() if value} | {"artifact": artifact}
    return hashlib.sha256(compact_json(decides).encode()).hexdigest()


def files_read(spec: ModelSpec) -> Iterator[str]:
    """The files of the repository that making a lock reads, but for the weights: each once, in the spec's order."""
    named = [path for step in spec.optimize for path in step.files]
    if spec.accept is not None:
        named.append(spec.accept.dataset)
    for part in ("input", "output"):
        named += getattr(getattr(spec, part, None), "reads", ())
    yield from dict.fromkeys(named)


def file_digest(path: str, root: Path) -> str:
    """The sha256 of a file of the repository. Raises `BadFile`: it is not there, or not below `root`."""
    return sha256_of(inside(root / path, root), "a file of the repository")


def stale(spec: ModelSpec, root: Path, lock: Lock) -> str | None:
    """Why a lock is not of a spec and its files as they are now; None where it is.

    Args:
        spec: the spec, merged for its environment.
        root: folder that paths in it begin at.
        lock: the `Lock`.
    """
    if lock.model != spec.name:
        return f"is the lock of {lock.model}"
    now = spec_digest(spec)
    if lock.spec != now:
        parts = ", ".join(part for part in DECIDING if getattr(spec, part, None))
        return f"is of another spec: {parts} had the digest {lock.spec[:16]}, and {now[:16]} now"
    for path, was in lock.files.items():
        try:
            now = file_digest(path, root)
        except BadFile as error:
            return f"was made with {path}, which {error.problem}"
        if now != was:
            return f"was made with another {path}: it had the sha256 {was[:16]}, and {now[:16]} now"
    return None
