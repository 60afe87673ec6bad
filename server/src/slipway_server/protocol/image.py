"""Turn the bytes of an image file into the tensor that an image model takes."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from slipway_server.values.errors import BadRequest, TooLarge
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array

MAX_PIXELS = 50_000_000
# Bytes of memory per pixel while a file of a few kB unpacks: Pillow keeps 4 for RGB and as many for what it converts,
# and the libraries below it have buffers of their own. Measured, see server/tests/test_costs.py.
_BYTES_PER_PIXEL = {"PNG": 9, "JPEG": 9, "WEBP": 20, "GIF": 10, "BMP": 10, "TIFF": 14}
FORMATS = tuple(_BYTES_PER_PIXEL)
# A JPEG that comes in several scans is kept whole, as coefficients of two bytes, until the last one.
_BYTES_PER_COEFFICIENT = 2
# Nobody reads the texts in a PNG, which may unpack to a thousand times their size.
PngImagePlugin.MAX_TEXT_CHUNK = 64 * 2**10
PngImagePlugin.MAX_TEXT_MEMORY = 2**20

# `Image.NominalPixelRange` of ONNX's docs/MetadataProps.md, in lower case (its values are case-insensitive)
# -> scale and offset from 0..255.
_RANGES = {
    "nominalrange_0_255": (1.0, 0.0),
    "normalized_0_1": (1 / 255, 0.0),
    "normalized_1_1": (2 / 255, -1.0),
    "nominalrange_16_235": (219 / 255, 16.0),
}
# `Image.BitmapPixelFormat` -> channels, and whether blue comes first.
_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of TIFF
_JPEG_SCAN = 0xDA
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


def memory_to_decode(data: bytes, signature: Signature, field: str, most: int) -> int:
    """Return how many bytes of memory `decode` takes at most for an image file; of the file, only the head is read.

    Raises:
        TooLarge: more than `most`.
        BadRequest: no image of a known format, a broken head, more than MAX_PIXELS, or no image model.
    """
    wanted = image_input(signature)
    with _opened(data, field) as image:
        size = f"{image.width} x {image.height} pixels as {image.format}"
        needed = 2 * len(data) + 16 * wanted.height * wanted.width * wanted.channels + _coefficients(image, data)
        needed += _BYTES_PER_PIXEL[str(image.format)] * _unpacked_pixels(image, wanted)
        # Resizing goes by width first, which makes a narrow picture larger; Pillow turns that round beyond 1:100.
        # Its weights are sixteen bytes for each row and column.
        needed += 4 * wanted.width * min(image.height, 100 * image.width) + 24 * (image.width + image.height)
        if needed > most:
            allowed = f"what unpacks within {most // 2**20} MiB: a smaller picture, or more memory for the server"
            raise TooLarge(field, f"has {size}, which take {needed // 2**20} MiB of memory to unpack", allowed)
        return needed


def decode(data: bytes, signature: Signature, field: str) -> dict[str, Array]:
    """Return the model's input for the image file in `data`: shape [1, C, H, W] or [1, H, W, C].

    Raises:
        BadRequest: no image of a known format, broken, larger than MAX_PIXELS, or no image model.
    """
    wanted = image_input(signature)
    with _opened(data, field) as image:
        mode = _draft(image, wanted)
        picture = image.convert(mode)
    return {wanted.tensor.name: _to_tensor(picture, wanted)}


@contextmanager
def _opened(data: bytes, field: str) -> Iterator[Image.Image]:
    """Open an image file; what goes wrong with it in the block, too, is a BadRequest."""
    allowed = f"one image file ({', '.join(FORMATS)}) of at most {MAX_PIXELS // 1_000_000} million pixels"
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures on its own; the limits here are ours.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise BadRequest(field, f"has {image.width} x {image.height} pixels", allowed)
                yield image
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


def _draft(image: Image.Image, wanted: ImageInput) -> str:
    """Have a JPEG unpacked at a fraction of its size; of no effect for other formats. Return the mode to convert to."""
    mode = "L" if wanted.channels == 1 else "RGB"
    image.draft(mode, (wanted.width, wanted.height))
    return mode


def _unpacked_pixels(image: Image.Image, wanted: ImageInput) -> int:
    """Return how many pixels are unpacked: of a JPEG fewer than it has, of a TIFF those of its tiles."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # A tile may be larger than the picture, and is unpacked as a whole.
        tile = [
            int(image.tag_v2.get(tag, size)) for tag, size in zip((_TILE_WIDTH, _TILE_HEIGHT), image.size, strict=True)
        ]
        return max(image.width * image.height, tile[0] * tile[1])
    _draft(image, wanted)
    return image.width * image.height


def _coefficients(image: Image.Image, data: bytes) -> int:
    """Return the bytes of a JPEG's coefficients that are kept: none when all its colours come in one scan."""
    if image.format != "JPEG":
        return 0
    colours = len(image.getbands())
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _JPEG_SCAN and data[at + 4] == colours and not image.info.get("progressive"):
            return 0
        if marker == _JPEG_SCAN:
            break
        at += 2 + length
    return _BYTES_PER_COEFFICIENT * colours * image.width * image.height


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
