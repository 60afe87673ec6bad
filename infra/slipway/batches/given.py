"""Read where a batch takes its rows from and where its results go: files here, or objects of the model store."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slipway.batches.errors import BatchRefused
from slipway.batches.rows import SUFFIXES
from slipway.batches.store import BatchStore, Stored
from slipway.values.quantities import compact_json, format_bytes

_MOST = 20 * 2**30
"""Bytes of an input, which each pod has on its node's disk."""
_A_PART = 2**20
_PARTS = 1000
_SCHEME = "s3://"
_KEY = re.compile(r"[A-Za-z0-9._=+@-]+(?:/[A-Za-z0-9._=+@-]+)*")
_ALLOWED = "a file here, or s3://BUCKET/KEY in the model store of the environment"


@dataclass(frozen=True, slots=True)
class Input:
    """Where rows are.

    Attributes:
        shown: as it was written.
        suffix: of its name.
        size: its bytes.
        identity: what another content would not have.
        path: of a file here; None for an object.
        key: of an object; None for a file here.
    """

    shown: str
    suffix: str
    size: int
    identity: str
    path: Path | None
    key: str | None

    @property
    def parts(self) -> int:
        """How many parts its results have unless somebody says: one for each MiB, within limits."""
        return max(1, min(_PARTS, -(-self.size // _A_PART)))

    def open(self, store: BatchStore) -> IO[bytes]:
        """Return it as a file."""
        if self.path is not None:
            return self.path.open("rb")
        return store.reader(self.key or "")


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go. `shown`: as it was written. `folder`: here; None for the store, where `key` is theirs."""

    shown: str
    folder: Path | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """One run, whoever begins it again: the same model, input, output and number of parts.

    Attributes:
        model: name of the model.
        release: that computes it, its short digest.
        input: where its rows are.
        output: where its results go.
        parts: how many it is cut into at most.
        root: folder of the store for what travels only.
    """

    model: str
    release: str
    input: Input
    output: Output
    parts: int
    root: str

    @property
    def id(self) -> str:
        """Tells it from every other one."""
        return hashlib.sha256(compact_json(self.about).encode()).hexdigest()[:16]

    @property
    def about(self) -> Mapping[str, str | int]:
        """What stands beside its results, so that no other run is mixed with them."""
        return {
            "model": self.model,
            "release": self.release,
            "input": self.input.identity,
            "parts": self.parts,
            "output": f"s3:{self.output.key}" if self.output.folder is None else str(self.output.folder.resolve()),
        }

    @property
    def folder(self) -> str:
        """Of the store, for what travels only."""
        return f"{self.root}/{self.id}"

    @property
    def input_key(self) -> str:
        """Where its pods get the rows."""
        return self.input.key or f"{self.folder}/input{self.input.suffix}"

    @property
    def results(self) -> str:
        """Folder of the store where its pods put the parts."""
        return self.output.key or f"{self.folder}/results"

    @property
    def done_key(self) -> str:
        """What is there once all parts are."""
        return f"{self.results}/done.json"

    def part(self, number: int) -> str:
        """Name of a part."""
        return f"part-{number:06d}{self.input.suffix}"


def read_input(text: str, store: BatchStore) -> Input:
    """Look at an input; raises `BatchRefused` for what is not there or cannot be one, and `StoreFailed`."""
    suffix = Path(text).suffix
    if suffix not in SUFFIXES:
        allowed = "lines of JSON (.jsonl), or arrays of numpy by the model's inputs (.npz)"
        raise BatchRefused(text, f"ends in {suffix!r}", allowed, "write it in one of these forms")
    if text.startswith(_SCHEME):
        key = _key(text, store)
        there = store.head(key)
        if there is None:
            raise BatchRefused(text, "is not there", _ALLOWED, "correct the address, or upload it")
        found = Input(text, suffix, there.size, _identity(key, there), None, key)
    else:
        path = Path(text)
        if not path.is_file():
            raise BatchRefused(text, "is no file", _ALLOWED, "correct the path")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found = Input(text, suffix, path.stat().st_size, digest, path, None)
    if found.size > _MOST:
        problem = f"has {format_bytes(found.size)}"
        raise BatchRefused(text, problem, f"at most {format_bytes(_MOST)}", "cut it, and run a batch of each piece")
    return found


def read_output(text: str, store: BatchStore) -> Output:
    """Read where results go; raises `BatchRefused` for what cannot be a folder of them."""
    if not text.startswith(_SCHEME):
        path = Path(text)
        if path.exists() and not path.is_dir():
            raise BatchRefused(text, "is a file", "a folder, empty or of the same batch", "name a folder")
        return Output(text, path, None)
    key = _key(text, store)
    weights = store.store.key("").rstrip("/")
    if key == weights or key.startswith(f"{weights}/"):
        raise BatchRefused(text, "is where weights are", f"any key but those below {weights}", "name another one")
    return Output(text, None, key)


def _identity(key: str, there: Stored) -> str:
    return f"{key} {there.size} {there.tag}"


def _key(text: str, store: BatchStore) -> str:
    bucket, _, key = text.removeprefix(_SCHEME).partition("/")
    if bucket != store.store.bucket:
        problem = f"is in the bucket {bucket!r}, which the pods of the environment do not reach"
        raise BatchRefused(text, problem, f"s3://{store.store.bucket}/KEY, of its model store", "copy it there")
    key = key.rstrip("/")
    if not _KEY.fullmatch(key) or len(key) > 512 or any(part in (".", "..") for part in key.split("/")):
        allowed = "names of letters, digits and ._=+@-, with '/' between them, 512 characters at most"
        raise BatchRefused(text, "has no key that can be used", allowed, "write for example batch/rows.jsonl")
    return key
