"""Turn the bytes of an image file into the tensor that an image model takes."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from slipway_server.errors import BadRequest
from slipway_server.signature import Signature, Tensor
from slipway_server.tensors import Array

# A file of a few kB can unpack to gigabytes. 50 million pixels of RGB take 150 MB while they are resized.
MAX_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

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


@dataclass(frozen=True)
class ImageInput:
    """How a model wants its picture: size in pixels, channels, their place and order, scale of the values."""

    tensor: Tensor
    height: int
    width: int
    channels: int
    channels_first: bool
    blue_first: bool
    scale: float
    offset: float


def image_input(signature: Signature) -> ImageInput:
    """Return how the model wants its picture.

    Raises:
        BadRequest: the model does not take pictures: it has not one input of the shape N,C,H,W or N,H,W,C
            with 1 or 3 channels and fixed H and W, or its metadata asks for what is not supported.
    """
    layout = _layout(signature.inputs[0]) if len(signature.inputs) == 1 else None
    if layout is None:
        names = ", ".join(f"{t.name} {t.dtype} {t.shape_text}" for t in signature.inputs)
        raise BadRequest(
            "image",
            "is not something this model takes",
            f"`inputs` with nested arrays for {names} (a picture needs a model with one numeric input "
            "of the shape [N, C, H, W] or [N, H, W, C], C = 1 or 3, H and W fixed)",
        )
    tensor = signature.inputs[0]
    channels, height, width, channels_first = layout
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
    return ImageInput(tensor, height, width, channels, channels_first, blue_first, scale, offset)


def decode(data: bytes, signature: Signature, field: str) -> dict[str, Array]:
    """Return the model's input for the image file in `data`: shape [1, C, H, W] or [1, H, W, C].

    Raises:
        BadRequest: no image of a known format, broken, larger than MAX_PIXELS, or no image model.
    """
    wanted = image_input(signature)
    allowed = f"one image file ({', '.join(FORMATS)}) of at most {MAX_PIXELS // 1_000_000} million pixels"
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures on its own; the limit below is ours.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise BadRequest(field, f"has {image.width} x {image.height} pixels", allowed)
                mode = "L" if wanted.channels == 1 else "RGB"
                # JPEG can be unpacked at a fraction of its size; of no effect for other formats.
                image.draft(mode, (wanted.width, wanted.height))
                picture = image.convert(mode)
    except UnidentifiedImageError:
        raise BadRequest(field, f"is no image of a known format ({len(data)} bytes)", allowed) from None
    except Image.DecompressionBombError:
        raise BadRequest(field, "unpacks to far too many pixels", allowed) from None
    except BadRequest:
        raise
    # Pillow's decoders let errors of many kinds through for damaged files (OSError, SyntaxError,
    # struct.error, EOFError, ZeroDivisionError ...), and all of them mean one thing here.
    except Exception as error:
        raise BadRequest(field, f"is a damaged image file: {error}", allowed) from None
    return {wanted.tensor.name: _to_tensor(picture, wanted)}


def _to_tensor(picture: Image.Image, wanted: ImageInput) -> Array:
    """Return the picture resized, scaled and laid out as wanted, with a leading dimension of 1."""
    if picture.size != (wanted.width, wanted.height):
        picture = picture.resize((wanted.width, wanted.height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture, dtype=np.float32).reshape(wanted.height, wanted.width, wanted.channels)
    if wanted.blue_first:
        pixels = pixels[:, :, ::-1]
    if wanted.channels_first:
        pixels = pixels.transpose(2, 0, 1)
    values = pixels * np.float32(wanted.scale) + np.float32(wanted.offset)
    if wanted.tensor.numpy_dtype.kind != "f":
        values = np.rint(values)
    return np.ascontiguousarray(values[np.newaxis].astype(wanted.tensor.numpy_dtype))


def _layout(tensor: Tensor) -> tuple[int, int, int, bool] | None:
    """Return channels, height, width and whether channels come first; None if this is no picture."""
    if len(tensor.shape) != 4 or tensor.numpy_dtype.kind not in "uf" or tensor.shape[0] not in (None, 1):
        return None
    _, second, third, fourth = tensor.shape
    if second in (1, 3) and third is not None and fourth is not None:
        return second, third, fourth, True
    if fourth in (1, 3) and second is not None and third is not None:
        return fourth, second, third, False
    return None
