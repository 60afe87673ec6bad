"""Read a dataset: an .npz file without pickles, its arrays held against the model's signature before they are read."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from engines import Tensor
from numpy.lib import format as npy
from step import Refused

_SHARE = 4
"""Of the memory that is free now, a quarter: disturbed copies and answers need room beside the dataset."""
_LONGEST_HEADER = 10_000
_MOST_ARRAYS = 256
_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Dataset:
    """Rows to ask and what is right.

    Attributes:
        inputs: by name of the input; the first dimension counts rows.
        truth: what the output is held against, a row each; None where nothing is.
        rows: how many.
        step: how many rows one request of the model takes; 0 where each row is a whole request.
    """

    inputs: Mapping[str, np.ndarray]
    truth: np.ndarray | None
    rows: int
    step: int


def read(path: Path, shown: str, inputs: Sequence[Tensor], output: str | None) -> Dataset:
    """Read the arrays that the model and `accept` need.

    Args:
        path: the file.
        shown: its name in messages.
        inputs: what the model takes.
        output: the output that is held against the array of its name; None where answers are held against the
            original's only.

    Raises:
        Refused: in words: no .npz, an array that is missing, pickled, of another type or shape, of another number of
            rows, not finite, or more than a quarter of this machine's free memory.
    """
    found = _read(path, shown, [tensor.name for tensor in inputs] + ([output] if output else []))
    rows = {name: len(array) if array.ndim else 0 for name, array in found.items()}
    if len(set(rows.values())) != 1 or not min(rows.values()):
        raise _refused(
            shown,
            "has other numbers of rows in its arrays: " + ", ".join(f"{name} {count}" for name, count in rows.items()),
            "arrays whose first dimension is the same number of rows, at least 1",
            "save inputs and right answers of the same rows",
        )
    for name, array in found.items():
        _finite(shown, name, array)
    steps = {tensor.name: _fit(shown, tensor, found[tensor.name]) for tensor in inputs}
    if len(set(steps.values())) != 1:
        raise _refused(
            shown,
            "fits some inputs as a batch and others as whole requests: "
            + ", ".join(f"{name} {'batch' if step else 'request'}" for name, step in steps.items()),
            "all arrays of inputs with the model's own dimensions, or all with one more in front",
            "stack whole requests in front of every array",
        )
    step, count = next(iter(steps.values())), next(iter(rows.values()))
    if step and count % step:
        raise _refused(
            shown,
            f"has {count} rows, and the model takes {step} at once",
            f"a multiple of {step} rows",
            "leave some rows out, or export the model with a batch of any size",
        )
    return Dataset(
        {tensor.name: found[tensor.name] for tensor in inputs}, found[output] if output else None, count, step
    )


def judged(path: Path, shown: str, wanted: str | None, outputs: Sequence[Tensor]) -> str:
    """The output that is judged: the one that `accept` names, else the only one that the dataset has.

    Raises:
        Refused: the model has none of that name, or the dataset has none of the model's outputs, or several.
    """
    names = [tensor.name for tensor in outputs]
    if wanted is None:
        there = [name for name in names if name in _names(path, shown)]
        if len(there) == 1:
            return there[0]
        raise _refused(
            shown,
            f"has {'several outputs' if there else 'no output'} of the model: {', '.join(there or names)}",
            "right answers for one output of the model, by its name",
            "set accept.output to one of them" if there else "save the right answers by the name of the output",
        )
    if wanted not in names:
        raise Refused(
            f"accept.output {wanted} is no output of the model", ", ".join(names) or "none", "name one of those"
        )
    return wanted


def _names(path: Path, shown: str) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return [entry.filename.removesuffix(".npy") for entry in archive.infolist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise _no_npz(shown, error) from None


def _read(path: Path, shown: str, names: Sequence[str]) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            there = {entry.filename.removesuffix(".npy"): entry for entry in entries}
            if len(entries) > _MOST_ARRAYS:
                raise _refused(shown, f"has {len(entries)} arrays", f"at most {_MOST_ARRAYS}", "save the needed ones")
            missing = [name for name in names if name not in there]
            if missing:
                raise _refused(
                    shown,
                    f"has no array {', '.join(missing)}; it has {', '.join(list(there)[:20]) or 'none'}",
                    f"an array for each of {', '.join(names)}",
                    "save it with numpy.savez, each array by the name of the input or output",
                )
            size, most = sum(there[name].file_size for name in names), _free_memory() // _SHARE
            if size > most:
                raise _refused(
                    shown,
                    f"unpacks to {size / 2**20:.0f} MiB",
                    f"at most {most / 2**20:.0f} MiB, a quarter of what is free",
                    "give fewer rows",
                )
            return {name: _array(archive, there[name], shown, name) for name in names}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise _no_npz(shown, error) from None


def _no_npz(shown: str, error: Exception) -> Refused:
    return _refused(shown, f"is no .npz file ({error})", "what numpy.savez or savez_compressed writes", "save it again")


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str, name: str) -> np.ndarray:
    with archive.open(entry) as file:
        try:
            array = npy.read_array(file, allow_pickle=False, max_header_size=_LONGEST_HEADER)
        except ValueError as error:
            raise _refused(
                shown,
                f"has an array {name} that cannot be read: {' '.join(str(error).split())[:200]}",
                "arrays of numbers, or of text (dtype U, not object), without pickles",
                "save it with array.astype(str) or a type of numbers",
            ) from None
    return array.astype(np.str_) if array.dtype.kind == "S" else array


def _finite(shown: str, name: str, array: np.ndarray) -> None:
    if array.dtype.kind not in "fc":
        return
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if bad.any():
        raise _refused(
            shown,
            f"has NaN or infinity in {name}: {int(bad.sum())} rows, the first is row {int(np.argmax(bad))}",
            "finite numbers",
            "correct those rows or leave them out",
        )


def _fit(shown: str, tensor: Tensor, array: np.ndarray) -> int:
    """Rows of one request: the model's first dimension, 1 where it takes any number, 0 for whole requests."""
    kind = "str" if array.dtype.kind == "U" else array.dtype.name
    if kind != tensor.dtype:
        raise _refused(
            shown,
            f"has {tensor.name} as {kind}",
            f"{tensor.dtype}, as the model takes it",
            f"save it with .astype({'str' if tensor.dtype == 'str' else f'numpy.{tensor.dtype}'})",
        )
    if tensor.shape and _matches(tensor.shape[1:], array.shape[1:]):
        return tensor.shape[0] or 1
    if _matches(tensor.shape, array.shape[1:]):
        return 0
    takes = "[" + ", ".join("any" if size is None else str(size) for size in tensor.shape) + "]"
    raise _refused(
        shown,
        f"has {tensor.name} of shape {list(array.shape)}",
        f"{takes}, as the model takes it, with rows in its first dimension, or in one more in front of it",
        "save it in that shape",
    )


def _matches(shape: Sequence[int | None], given: Sequence[int]) -> bool:
    return len(shape) == len(given) and all(size in (None, there) for size, there in zip(shape, given, strict=True))


def _free_memory() -> int:
    for line in _MEMORY.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"{_MEMORY} has no line MemAvailable")


def _refused(shown: str, problem: str, allowed: str, todo: str) -> Refused:
    return Refused(f"{shown} {problem}", allowed, todo)
