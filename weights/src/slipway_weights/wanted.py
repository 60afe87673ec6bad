"""Read what this pod wants: which files, by which digests, from which store; a frozen value, or a reason why not."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "SLIPWAY_WEIGHTS"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILES_MOST = 4096


class BadWanted(ValueError):
    """The variable does not say what to bring; `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the weights: its path below the folder, its key in the bucket, its bytes, its sha256 in hex."""

    name: str
    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bring.

    Attributes:
        bucket: of the store.
        region: of the bucket.
        endpoint: address of a store that is not AWS's; None for AWS.
        folder: where the files go.
        files: all of the weights.
    """

    bucket: str
    region: str
    endpoint: str | None
    folder: Path
    files: tuple[File, ...]


def wanted(environ: Mapping[str, str]) -> Wanted:
    """Read the variable SLIPWAY_WEIGHTS, which Slipway renders as JSON; raises `BadWanted`."""
    try:
        value = json.loads(environ[VARIABLE])
        return Wanted(
            bucket=_text(value["bucket"]),
            region=_text(value["region"]),
            endpoint=None if value["endpoint"] is None else _text(value["endpoint"]),
            folder=Path(_text(value["folder"])),
            files=tuple(_file(one) for one in value["files"][:_FILES_MOST]),
        )
    except KeyError as error:
        raise BadWanted(f"{VARIABLE} has no {error}, of what `slipway render` writes") from None
    except (ValueError, TypeError) as error:
        raise BadWanted(f"{VARIABLE} is not what `slipway render` writes: {error}") from None


def _file(value: Any) -> File:
    name, sha256, size = _text(value["name"]), _text(value["sha256"]), value["size"]
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise BadWanted(f"{name} is no path below the folder of the weights")
    if not _SHA256.fullmatch(sha256):
        raise BadWanted(f"{sha256} is no sha256")
    if type(size) is not int or size < 0:
        raise BadWanted(f"{size} is no number of bytes")
    return File(name, _text(value["key"]), size, sha256)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadWanted(f"{value!r} is no text")
    return value
