"""Say what the objects in the folder of samples are, and which of them are about a subject."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.samples.bucket import Bucket, Version
from slipway.spec.capture import KEEPS

_KEEPS = "|".join(KEEPS)
_KEY = re.compile(
    rf"(?P<keep>{_KEEPS})/(?P<model>[^/]+)/keys/(?P<subject>none|[0-9a-f]{{64}})/(?P<name>[0-9a-f]{{32}})"
)
_BATCH = re.compile(rf"(?P<keep>{_KEEPS})/(?P<model>[^/]+)/samples/[0-9-]{{10}}/[0-9a-f]{{32}}\.jsonl")
_DAYS = {str(keep): days for keep, days in KEEPS.items()}
_AT_ONCE = 8
"""Batches that are read at once."""


@dataclass(frozen=True, slots=True)
class Key:
    """A version of an object with a key. `subject`: a digest, or `none`. `name`: that samples know it by."""

    version: Version
    keep: str
    subject: str
    name: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A version of an object with samples."""

    version: Version
    keep: str
    model: str


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything in the folder of samples. `strange`: objects that no model server wrote."""

    keys: tuple[Key, ...]
    batches: tuple[Batch, ...]
    strange: tuple[Version, ...]

    def of(self, subject: str) -> tuple[Key, ...]:
        """Every version of every key of a subject, by its digest."""
        return tuple(key for key in self.keys if key.subject == subject)

    def expired(self, now: datetime) -> tuple[Version, ...]:
        """What was to be kept for less time than it is there."""
        each: tuple[Key | Batch, ...] = (*self.keys, *self.batches)
        return tuple(one.version for one in each if one.version.modified + timedelta(days=_DAYS[one.keep]) < now)


def folder(bucket: Bucket, samples: str) -> Folder:
    """Look at every version below the folder of samples; raises `SamplesUnread`."""
    keys: list[Key] = []
    batches: list[Batch] = []
    strange: list[Version] = []
    for version in bucket.versions(f"{samples}/"):
        rest = version.key.removeprefix(f"{samples}/")
        if found := _KEY.fullmatch(rest):
            keys.append(Key(version, found["keep"], found["subject"], found["name"]))
        elif found := _BATCH.fullmatch(rest):
            batches.append(Batch(version, found["keep"], found["model"]))
        else:
            strange.append(version)
    return Folder(tuple(keys), tuple(batches), tuple(strange))


@dataclass(frozen=True, slots=True)
class Line:
    """One encrypted sample. `key`: the name of its key. `sealed`: base64."""

    key: str
    sealed: str


def contents(
    bucket: Bucket, batches: Iterable[Batch], tell: Callable[[int], None]
) -> Iterator[tuple[Batch, list[Line]]]:
    """Yield the samples of each batch that has a content; `tell` is told how many were read."""
    wanted = [batch for batch in batches if not batch.version.deleted]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(lambda batch: bucket.read(batch.version), wanted)
        for done, (batch, data) in enumerate(zip(wanted, read, strict=True), 1):
            tell(done)
            if data is not None:
                yield batch, list(_lines(data))


def _lines(data: bytes) -> Iterator[Line]:
    for text in data.splitlines():
        try:
            one = json.loads(text)
            yield Line(str(one["key"]), str(one["sealed"]))
        except (ValueError, TypeError, KeyError):  # of nobody's key, so that nobody can read it
            yield Line("", "")
