"""One request as a sample whose parts can be hidden: patches of a picture, or features of a row."""

import base64
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

GRID = 16
"""Patches along each side of a picture at most."""
FEATURES = 256
"""Parts of a row at most: of a longer one, neighbours are hidden together."""
_PIXELS = 20_000_000
_CHANNELS = (1, 3, 4)
_PICTURE_RANK = 2

Array = npt.NDArray[Any]


class Unexplainable(ValueError):
    """A request that cannot be taken apart; `str()` is the problem, `allowed` says what can."""

    def __init__(self, problem: str, allowed: str) -> None:
        super().__init__(problem)
        self.allowed = allowed


@dataclass(frozen=True)
class Part:
    """A part of a sample.

    Attributes:
        of: the input it is of; `image` of a picture's file.
        row: of the grid, from the top; 0 where there is none.
        column: of the grid, from the left; the feature where there is no grid.
        where: what is hidden: a slice for each dimension.
    """

    of: str
    row: int
    column: int
    where: tuple[slice, ...]

    @property
    def name(self) -> str:
        """As people are told it: `image: row 3, column 5`, or `a[2]`, `a[4:8]`."""
        if self.where and self.is_patch:
            return f"{self.of}: row {self.row + 1}, column {self.column + 1}"
        last = self.where[-1] if self.where else slice(0, 1)
        return f"{self.of}[{last.start}]" if last.stop - last.start == 1 else f"{self.of}[{last.start}:{last.stop}]"

    @property
    def is_patch(self) -> bool:
        """Whether it is of a grid."""
        return len(self.where) > _PICTURE_RANK


class Sample(Protocol):
    """A request, and the same with a part hidden."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, those of one input by row and column."""

    def body(self, hidden: Part | None = None) -> bytes:
        """The body of a request, as JSON."""

    def original(self, of: str) -> Array:
        """An input as it was sent, for who draws it."""


@dataclass(frozen=True)
class Tensors:
    """Inputs by name, of one row each. `baseline`: what is put in a hidden part's place; None: see `hidden_value`."""

    inputs: Mapping[str, Array]
    baseline: float | None
    rest: Mapping[str, Any]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts of all inputs of numbers."""
        return tuple(part for name, array in self.inputs.items() for part in _parts(name, array))

    def body(self, hidden: Part | None = None) -> bytes:
        """The request; with `hidden`, what is there is replaced."""
        inputs = {}
        for name, array in self.inputs.items():
            changed = array
            if hidden is not None and hidden.of == name:
                changed = array.copy()
                changed[hidden.where] = hidden_value(array, self.baseline)
            inputs[name] = changed.tolist()
        return json.dumps({**self.rest, "inputs": inputs}).encode()

    def original(self, of: str) -> Array:
        """An input."""
        return self.inputs[of]


@dataclass(frozen=True)
class Picture:
    """A picture's file. A patch is painted with the colour `hidden`, 0 to 255."""

    pixels: Array
    hidden: Array

    @property
    def parts(self) -> tuple[Part, ...]:
        """Patches of height x width."""
        return tuple(_grid("image", self.pixels.shape, (0, 1)))

    def body(self, hidden: Part | None = None) -> bytes:
        """The request, with the picture as PNG."""
        pixels = self.pixels
        if hidden is not None:
            pixels = pixels.copy()
            pixels[hidden.where] = self.hidden
        written = io.BytesIO()
        Image.fromarray(pixels).save(written, "PNG")
        return json.dumps({"image": base64.b64encode(written.getvalue()).decode()}).encode()

    def original(self, of: str) -> Array:  # noqa: ARG002 - it has one input
        """Height x width x colour."""
        return self.pixels


def picture(data: bytes, baseline: float | None) -> Picture:
    """A sample of a picture's file, hidden by its mean colour or by `baseline`; raises Unexplainable."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _PIXELS:
                raise Unexplainable(f"has {image.width} x {image.height} pixels", f"at most {_PIXELS:,} pixels")
            pixels = np.asarray(image.convert("RGB"))
            return Picture(pixels, np.clip(pixels.mean(axis=(0, 1)) if baseline is None else baseline, 0, 255))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise Unexplainable(f"is no picture: {error}", "a picture whose format is known") from None


def tensors(data: bytes, baseline: float | None) -> Tensors:
    """A sample of a request as the model server takes it, `{"inputs": {NAME: [[...]]}}`; raises Unexplainable."""
    allowed = 'JSON as {"inputs": {"a": [[1, 2, 3]]}}, with one row of numbers for each input'
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unexplainable(f"is not JSON: {error}", allowed) from None
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, dict) or not inputs:
        raise Unexplainable("has no `inputs` by name", allowed)
    arrays = {}
    for name, value in inputs.items():
        try:
            array = np.asarray(value)
        except ValueError:
            raise Unexplainable(f"`inputs.{name}` has rows of different lengths", allowed) from None
        if array.dtype.kind not in "iuf" or array.size == 0:
            raise Unexplainable(f"`inputs.{name}` is not made of numbers", allowed)
        if array.ndim == 0 or array.shape[0] != 1:
            rows = array.shape[0] if array.ndim else "no"
            raise Unexplainable(f"`inputs.{name}` has {rows} rows", allowed)
        arrays[name] = array
    return Tensors(arrays, baseline, {key: value for key, value in document.items() if key != "inputs"})


def hidden_value(array: Array, baseline: float | None) -> Any:
    """What stands for "not there": the mean of a picture, 0 of features, whose units differ; or what was asked for."""
    if baseline is None:
        baseline = float(array.mean()) if _is_picture(array) else 0.0
    return array.dtype.type(round(baseline) if array.dtype.kind in "iu" else baseline)


def _is_picture(array: Array) -> bool:
    return array.ndim > _PICTURE_RANK


def _parts(name: str, array: Array) -> Iterator[Part]:
    if _is_picture(array):
        yield from _grid(name, array.shape, _spatial(array.shape))
        return
    count = math.prod(array.shape[1:])
    size = math.ceil(count / FEATURES)
    row = (slice(0, 1),) if array.ndim == _PICTURE_RANK else ()
    for number, start in enumerate(range(0, count, size)):
        yield Part(name, 0, number, (*row, slice(start, min(start + size, count))))


def _spatial(shape: tuple[int, ...]) -> tuple[int, int]:
    """Which dimensions are height and width: channels come first in most models, and last where only that fits."""
    last = len(shape) - 1
    if len(shape) == 4 and shape[1] not in _CHANNELS and shape[last] in _CHANNELS:
        return last - 2, last - 1
    return last - 1, last


def _grid(name: str, shape: tuple[int, ...], spatial: tuple[int, int]) -> Iterator[Part]:
    starts = []
    for axis in spatial:
        size = math.ceil(shape[axis] / GRID)
        starts.append([slice(at, min(at + size, shape[axis])) for at in range(0, shape[axis], size)])
    for (row, down), (column, across) in product(enumerate(starts[0]), enumerate(starts[1])):
        where = [slice(0, length) for length in shape]
        where[spatial[0]], where[spatial[1]] = down, across
        yield Part(name, row, column, tuple(where))
