"""Know lock files by their names, read them with their lines, and write them: the same lock gives the same bytes."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from slipway.errors.base import FileRefused, UserError, WrongValue
from slipway.errors.full_disk import disk_errors
from slipway.lockfile.model import FORMAT, Lock
from slipway.reading.findings import dotted
from slipway.reading.yaml_document import SIZE_LIMIT, read_document, refuse_empty

SUFFIX = ".lock.yaml"
_LIKE_A_NUMBER = re.compile(r"[-+.0-9][-+.0-9eE_:]*")
_KNOWN_KEYS = tuple(Lock.model_fields)


def is_lock(path: Path) -> bool:
    """Whether a file of the folder of specs is a lock, by its name."""
    return path.name.endswith(SUFFIX)


def lock_path(spec: Path, model: str, environment: str | None = None) -> Path:
    """Where the lock of a model is: beside its spec.

    `environment`: where it is given other weights, steps or data than elsewhere; it then has a lock of its own.
    """
    return spec.with_name(f"{model}{f'.{environment}' if environment else ''}{SUFFIX}")


@dataclass(frozen=True)
class Locked:
    """A lock, where it was read from, and the folder that the paths in it begin at.

    `offline`: nothing may be fetched to have the bytes that it names.
    """

    lock: Lock
    file: Path
    root: Path
    offline: bool = False


def read_lock(path: Path, root: Path) -> Locked | None:
    """The lock in a file; None where there is no such file.

    Raises:
        UserError: it cannot be read, or is none that `slipway lock` wrote.
    """
    if not path.exists():
        return None
    document = read_document(path, str(path))
    refuse_empty(document, "a lock that `slipway lock` wrote")
    value = document.value
    written = value.get("lock") if isinstance(value, dict) else None
    if type(written) is int and written > FORMAT:
        problem = "is a format that this Slipway is too old for"
        todo = "upgrade Slipway (docs/how-to/upgrade.md)"
        raise WrongValue(document.place(("lock",)), "lock", written, problem, str(FORMAT), todo)
    try:
        return Locked(Lock.model_validate(value), path, root)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = tuple(part for part in first["loc"] if not str(part).startswith("["))
        problem = f"is not what slipway lock writes: {first['msg'][:1].lower()}{first['msg'][1:]}"
        allowed = f"a lock as it was written, with {', '.join(_KNOWN_KEYS)}"
        todo = f"take the file as it was committed, or write it anew: slipway lock {path.name.split('.')[0]}"
        raise UserError(document.place(at), dotted(at) or None, problem, allowed, todo) from None


def lock_text(lock: Lock) -> str:
    """A lock as text: keys in the order of `Lock`, mappings of people's names sorted, no times, no aliases."""
    value: dict[str, Any] = lock.model_dump(mode="json")
    value["files"] = dict(sorted(value["files"].items()))
    for step in value["steps"]:
        step["tools"] = dict(sorted(step["tools"].items()))
        step["settings"] = dict(sorted(step["settings"].items()))
    for variant in value["variants"]:
        variant["metrics"] = dict(sorted(variant["metrics"].items()))
    head = f"# Written by `slipway lock {lock.model}`, and read by validate, plan and up. Commit it; never edit it.\n"
    return head + yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=118)


def write_lock(lock: Lock, path: Path) -> None:
    """Write a lock; the file is complete at every moment.

    Raises:
        FileRefused: it would be larger than any file of YAML that is read.
        NoSpace: the disk is full.
    """
    file, text = path.resolve(), lock_text(lock)
    if (size := len(text.encode())) > SIZE_LIMIT:
        problem = f"would have {size} bytes: too many inputs, outputs or files of the model, or settings of a step"
        raise FileRefused(str(path), problem, f"{SIZE_LIMIT} bytes at most", "export the model with fewer of them")
    with disk_errors(f"{path} cannot be written", file.parent):
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            beside.write_text(text, encoding="utf-8", newline="\n")
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)


class _Plain(yaml.SafeDumper):
    """YAML as `slipway.reading.yaml_document` reads it: nothing stands for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        """Write equal values out, each time."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    quoted = "'" if _LIKE_A_NUMBER.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quoted)


_Plain.add_representer(str, _text)
_Plain.add_representer(
    list,
    lambda dumper, value: dumper.represent_sequence(
        "tag:yaml.org,2002:seq", value, flow_style=not any(isinstance(item, dict | list) for item in value)
    ),
)
