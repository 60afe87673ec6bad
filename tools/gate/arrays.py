"""Arrays in .npz files between processes, never with pickles in them; text is numpy's own type."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

_NAMES = "names"


def read(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file that `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return {str(name): file[f"array_{index}"] for index, name in enumerate(file[_NAMES])}


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays; ONNX Runtime's texts, which are objects, become text.

    They are numbered: a model may call an input `file`, which is an argument of numpy's.
    """
    plain = [array.astype(np.str_) if array.dtype == object else array for array in arrays.values()]
    numbered = {f"array_{index}": array for index, array in enumerate(plain)}
    np.savez(path, **{_NAMES: np.array(list(arrays), dtype=np.str_)}, **numbered)
