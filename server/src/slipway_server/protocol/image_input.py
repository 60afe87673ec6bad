"""Say how a model wants its picture: by the steps of the spec, or by its shape and metadata alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import PictureSection

# `Image.NominalPixelRange` of ONNX's docs/MetadataProps.md, in lower case (its values are case-insensitive)
# -> scale and offset from 0..255.
_RANGES = {
    "nominalrange_0_255": (1.0, 0.0),
    "normalized_0_1": (1 / 255, 0.0),
    "normalized_1_1": (2 / 255, -1.0),
    "nominalrange_16_235": (219 / 255, 16.0),
}
# `Image.BitmapPixelFormat` -> channels, and whether blue comes first.
_PIXEL_FORMATS = {"gray8": (1, False), "rgb8": (3, False), "bgr8": (3, True)}
_CHANNELS = {"grey": (1, False), "rgb": (3, False), "bgr": (3, True)}
_TAKES = "one input of the shape [N, C, H, W] or [N, H, W, C], C = 1 or 3"


@dataclass(frozen=True)
class ImageInput:
    """How a model wants its picture.

    Attributes:
        tensor: the input.
        height: of what the model gets, in pixels.
        width: of what the model gets, in pixels.
        channels: 1 or 3.
        channels_first: whether they are the first dimension of a picture, or the last.
        blue_first: whether blue is the first of three.
        rows: whether a dimension for rows stands before all others.
        resize: height and width before something is cut out of the middle, or the length of the shorter side.
        scale: what a value from 0 to 255 is multiplied with, for all channels or for each.
        offset: what is added then.
    """

    tensor: Tensor
    height: int
    width: int
    channels: int
    channels_first: bool
    blue_first: bool
    rows: bool
    resize: tuple[int, int] | int
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height that a picture gets before something is cut out of its middle."""
        if isinstance(self.resize, tuple):
            return self.resize[1], self.resize[0]
        if width <= height:
            return self.resize, max(self.resize, self.resize * height // width)
        return max(self.resize, self.resize * width // height), self.resize


def image_input(signature: Signature, steps: PictureSection | None = None) -> ImageInput:
    """Return how the model wants its picture.

    Raises:
        BadRequest: the model does not take pictures, the steps do not fit it, or its metadata asks for what is not
            supported.
    """
    return _by_metadata(signature) if steps is None else _by_steps(signature, steps)


def _by_metadata(signature: Signature) -> ImageInput:
    required = signature.required
    layout = _layout(required[0], None) if len(required) == 1 and len(required[0].shape) == 4 else None
    channels, height, width, channels_first = layout or (0, None, None, False)
    if height is None or width is None:
        names = ", ".join(f"{t.name} {t.dtype} {t.shape_text}" for t in signature.inputs)
        raise BadRequest(
            "image",
            "is not something this model takes",
            f"`inputs` with nested arrays for {names} (a picture needs a model with one numeric input "
            "of the shape [N, C, H, W] or [N, H, W, C], C = 1 or 3, H and W fixed)",
        )
    metadata = {key.lower(): value for key, value in signature.metadata.items()}
    pixel_range = metadata.get("image.nominalpixelrange", "NominalRange_0_255")
    pixel_format = metadata.get("image.bitmappixelformat", "Gray8" if channels == 1 else "Rgb8")
    if pixel_range.lower() not in _RANGES:
        raise BadRequest("image", f"needs Image.NominalPixelRange={pixel_range}", ", ".join(_RANGES))
    if _PIXEL_FORMATS.get(pixel_format.lower(), (0, False))[0] != channels:
        raise BadRequest(
            "image",
            f"needs Image.BitmapPixelFormat={pixel_format} with {channels} channels",
            "Gray8 with 1 channel, Rgb8 or Bgr8 with 3",
        )
    scale, offset = _RANGES[pixel_range.lower()]
    blue_first = _PIXEL_FORMATS[pixel_format.lower()][1]
    size = (height, width)
    return ImageInput(required[0], *size, channels, channels_first, blue_first, True, size, (scale,), (offset,))


def _by_steps(signature: Signature, steps: PictureSection) -> ImageInput:
    if len(signature.required) != 1:
        names = ", ".join(tensor.name for tensor in signature.required)
        raise BadRequest("input.image", f"fills one input, and the model needs {names}", "input.hook for such a model")
    tensor = signature.required[0]
    layout = _layout(tensor, steps.layout)
    if layout is None:
        field = "input.image" if steps.layout is None else "input.image.layout"
        has = f"does not fit the input `{tensor.name}` ({tensor.dtype} {tensor.shape_text})"
        raise BadRequest(field, has, f"for a model with {_TAKES}, of a floating-point or unsigned type")
    channels, height, width, channels_first = layout
    order = steps.channels or ("grey" if channels == 1 else "rgb")
    if _CHANNELS[order][0] != channels:
        allowed = "grey" if channels == 1 else "rgb, bgr"
        raise BadRequest("input.image.channels", f"is {order}, and the model takes {channels} of them", allowed)
    size = _size(tensor, steps, height, width)
    resize = size if steps.resize is None or steps.crop is None else _resize(steps.resize)
    scale, offset = _normalisation(tensor, steps, channels)
    blue_first, rows = _CHANNELS[order][1], len(tensor.shape) == 4
    return ImageInput(tensor, *size, channels, channels_first, blue_first, rows, resize, scale, offset)


def _size(tensor: Tensor, steps: PictureSection, height: int | None, width: int | None) -> tuple[int, int]:
    """Return the height and width of what the model gets."""
    if steps.crop is not None:
        name, given = "crop", (steps.crop[0], steps.crop[1])
        _refuse_small(steps)
    elif isinstance(steps.resize, int):
        raise BadRequest(
            "input.image.resize", f"is the length of the shorter side, {steps.resize}", "[height, width], or crop, too"
        )
    elif steps.resize is not None:
        name, given = "resize", (steps.resize[0], steps.resize[1])
    elif height is None or width is None:
        problem = f"is left out, and the input `{tensor.name}` takes any size ({tensor.shape_text})"
        raise BadRequest("input.image.resize", problem, "[height, width]")
    else:
        return height, width
    if height not in (None, given[0]) or width not in (None, given[1]):
        problem = f"is {list(given)}, and the input `{tensor.name}` has the shape {tensor.shape_text}"
        wanted = [given[0] if height is None else height, given[1] if width is None else width]
        raise BadRequest(f"input.image.{name}", problem, f"{wanted} (height, width)")
    return given


def _resize(resize: Sequence[int] | int) -> tuple[int, int] | int:
    return resize if isinstance(resize, int) else (resize[0], resize[1])


def _refuse_small(steps: PictureSection) -> None:
    """Raise BadRequest if more is to be cut out than there is."""
    crop = steps.crop or [0, 0]
    if steps.resize is None:
        raise BadRequest("input.image.resize", "is left out beside crop", "the size before something is cut out")
    there = [steps.resize] * 2 if isinstance(steps.resize, int) else steps.resize
    if crop[0] > there[0] or crop[1] > there[1]:
        raise BadRequest("input.image.crop", f"is {crop}, more than resize leaves", f"at most {there} (height, width)")


def _normalisation(tensor: Tensor, steps: PictureSection, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return scale and offset: (value / 255 - mean) / std as one multiplication and one addition."""
    for name, given in (("mean", steps.mean), ("std", steps.std)):
        if given is not None and len(given) not in (1, channels):
            allowed = "one number" if channels == 1 else f"one number, or {channels}: one for each channel"
            raise BadRequest(f"input.image.{name}", f"has {len(given)} numbers for {channels} channels", allowed)
    if any(number <= 0 for number in steps.std or ()):
        raise BadRequest("input.image.std", f"is {steps.std}", "numbers above 0")
    whole = tensor.numpy_dtype.kind != "f"
    if whole and (steps.mean or steps.std or steps.scale):
        name = next(name for name in ("mean", "std", "scale") if getattr(steps, name))
        problem = f"makes fractions, and the input `{tensor.name}` takes whole numbers ({tensor.dtype})"
        raise BadRequest(f"input.image.{name}", problem, "leave it out for such a model")
    mean, std = np.array(steps.mean or [0.0]), np.array(steps.std or [1.0])
    scale = (1.0 if whole or steps.scale is False else 1 / 255) / std
    offset = np.broadcast_to(-mean / std, np.broadcast_shapes(mean.shape, std.shape))
    return _numbers(scale), _numbers(offset)


def _numbers(array: Any) -> tuple[float, ...]:
    return tuple(float(number) for number in array)


def _layout(tensor: Tensor, layout: str | None) -> tuple[int, int | None, int | None, bool] | None:
    """Return channels, height, width and whether channels come first; None if this is no picture.

    `layout`: what the spec says; None: found in the shape.
    """
    if tensor.numpy_dtype.kind not in "uf" or len(tensor.shape) not in (3, 4):
        return None
    if len(tensor.shape) == 4 and tensor.shape[0] not in (None, 1):
        return None
    first, second, last = tensor.shape[-3:]
    if first in (1, 3) and layout != "nhwc" and (layout == "nchw" or second is not None or last not in (1, 3)):
        return first, second, last, True
    if last in (1, 3) and layout != "nchw":
        return last, first, second, False
    return None
