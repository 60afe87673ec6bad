"""Read what a run in a cluster is to do: the addresses of its input and of its parts, each signed for that one call."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_server.batch.parts import BatchError

_BYTES_MOST = 16 * 2**20
_PARTS_MOST = 10_000
WORK = "work.json.gz"
AUTHORITY = "ca.pem"


@dataclass(frozen=True)
class Source:
    """An input in a store: the address to get it from, its bytes, and the tag without which it is another one."""

    get: str
    size: int
    tag: str


@dataclass(frozen=True)
class Target:
    """An object to make: the addresses to ask for it, and to put it at."""

    head: str
    put: str


@dataclass(frozen=True)
class Work:
    """What to do.

    Attributes:
        input: where the rows are.
        suffix: of its name, which says its form.
        parts: at most as many as are made.
        done: what is there once all parts are.
        workers: how many runs share the parts.
        authority: file with the certificates of those who may vouch for the store; None where it speaks no TLS.
    """

    input: Source
    suffix: str
    parts: tuple[Target, ...]
    done: Target
    workers: int
    authority: Path | None


def read_work(folder: Path) -> Work:
    """Read a folder that Slipway filled; BatchError where it has something else."""
    path, authority = folder / WORK, folder / AUTHORITY
    try:
        with gzip.open(path) as file:
            value = json.loads(file.read(_BYTES_MOST))
        return Work(
            input=Source(_text(value["input"]["get"]), _number(value["input"]["size"]), _text(value["input"]["tag"])),
            suffix=_text(value["suffix"]),
            parts=tuple(_target(one) for one in value["parts"][:_PARTS_MOST]),
            done=_target(value["done"]),
            workers=max(1, _number(value["workers"])),
            authority=authority if authority.is_file() else None,
        )
    except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
        problem = f"is not what `slipway batch` writes ({type(error).__name__}: {error})"
        raise BatchError(f"{path}: {problem}; allowed: a Job that the command made") from None


def _target(value: Any) -> Target:
    return Target(_text(value["head"]), _text(value["put"]))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is no number")
    return value
