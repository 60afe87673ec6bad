"""Calibration data: arrays of a .npz held against the inputs of a graph, and read row by row by ONNX Runtime."""

import zipfile
from pathlib import Path

import graphs
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader
from step import Refused

Arrays = dict[str, NDArray[np.generic]]


class Rows(CalibrationDataReader):  # type: ignore[misc]
    """Feeds of one run after another, in the order of the file."""

    def __init__(self, feeds: list[Arrays]) -> None:
        self.count = len(feeds)
        self._feeds = iter(feeds)

    def __len__(self) -> int:
        """How many runs there are."""
        return self.count

    def get_next(self) -> Arrays | None:
        """The next feed, None at the end: what ONNX Runtime's calibrators ask for."""
        return next(self._feeds, None)


def read(path: Path, name: str, model: onnx.ModelProto) -> Rows:
    """The rows of a .npz file for every input of a graph.

    An array has the input's type, and its shape with the rows first. An input with a fixed first dimension of n takes n
    rows in each run; one without a dimension for rows (one dimension less than the array) takes one.

    Args:
        path: where the file lies.
        name: what the spec calls it.
        model: the graph; its weights may lie apart.

    Raises:
        Refused: the file is no .npz, holds Python objects, or an array is missing or of another type or shape.
    """
    arrays = _load(path, name)
    wanted = graphs.inputs(model)
    feeds = {value.name: _feeds(arrays, value, name, wanted) for value in wanted}
    counts = {of: len(rows) for of, rows in feeds.items()}
    if len(set(counts.values())) != 1:
        raise Refused(
            f"{name} has arrays of different lengths: " + ", ".join(f"{of} makes {n} runs" for of, n in counts.items()),
            "as many rows in every array",
            "Write the file again, with one row per example in each array.",
        )
    return Rows([dict(zip(feeds, together, strict=True)) for together in zip(*feeds.values(), strict=True)])


def others(path: Path, name: str, model: onnx.ModelProto) -> Arrays:
    """The arrays of a .npz file that are no input of the graph: the right answers, by the names of its outputs."""
    known = {value.name for value in graphs.inputs(model)}
    return {key: array for key, array in _load(path, name).items() if key not in known}


def _load(path: Path, name: str) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise Refused(
            f"{name} is no calibration file: {error}",
            "a .npz file with one array per input, without Python objects",
            "Write it with numpy.savez(path, INPUT=array).",
        ) from error


def _feeds(
    arrays: Arrays, value: onnx.ValueInfoProto, name: str, wanted: list[onnx.ValueInfoProto]
) -> list[NDArray[np.generic]]:
    expected = ", ".join(map(graphs.described, wanted))
    todo = "Write the file again from examples as they reach the model: numpy.savez(path, INPUT=array), rows first."
    if value.name not in arrays:
        raise Refused(f"{name} has no array {value.name}; it has {', '.join(arrays) or 'none'}", expected, todo)
    array = arrays[value.name]
    kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    if array.dtype != kind:
        raise Refused(f"{name}: array {value.name} is {array.dtype}, but the model takes {kind}", expected, todo)
    dims = graphs.dimensions(value)
    if dims is None:
        return list(array[:, np.newaxis])
    rows_apart = array.ndim == len(dims) + 1
    shape = array.shape[1:] if rows_apart else array.shape
    together = dims[0] if not rows_apart and dims and isinstance(dims[0], int) else 1
    if (
        len(shape) != len(dims)
        or not len(array)
        or any(
            isinstance(dim, int) and dim != size
            for dim, size in list(zip(dims, shape, strict=True))[0 if rows_apart else 1 :]
        )
    ):
        raise Refused(
            f"calibration of another shape: {name} has {value.name} of shape {list(array.shape)}, "
            f"but the model takes {graphs.shape_text(value)}",
            expected,
            todo,
        )
    if len(array) % together:
        raise Refused(
            f"{name} has {len(array)} rows of {value.name}, but the model takes {together} at once",
            f"a multiple of {together} rows",
            todo,
        )
    if rows_apart:
        return list(array)
    return [array[start : start + together] for start in range(0, len(array), together)]
