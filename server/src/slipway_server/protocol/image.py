"""Turn the bytes of an image file into the tensor that an image model takes."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from slipway_server.protocol.image_input import ImageInput
from slipway_server.values.errors import BadRequest, TooLarge
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

_TILE_WIDTH, _TILE_HEIGHT = 322, 323  # tags of TIFF
_JPEG_SCAN = 0xDA


def memory_to_decode(data: bytes, wanted: ImageInput, field: str, most: int) -> int:
    """Return how many bytes of memory `decode` takes at most for an image file; of the file, only the head is read.

    Raises:
        TooLarge: more than `most`.
        BadRequest: no image of a known format, a broken head, more than MAX_PIXELS.
    """
    with _opened(data, field) as image:
        size = f"{image.width} x {image.height} pixels as {image.format}"
        needed = 2 * len(data) + 16 * wanted.height * wanted.width * wanted.channels + _coefficients(image, data)
        needed += _BYTES_PER_PIXEL[str(image.format)] * _unpacked_pixels(image, wanted)
        # Resizing goes by width first, which makes a narrow picture larger; Pillow turns that round beyond 1:100.
        # Its weights are sixteen bytes for each row and column.
        width, height = wanted.resized(image.width, image.height)
        needed += 4 * width * min(image.height, 100 * image.width) + 24 * (image.width + image.height)
        needed += 4 * width * height if (height, width) != (wanted.height, wanted.width) else 0
        if needed > most:
            allowed = f"what unpacks within {most // 2**20} MiB: a smaller picture, or more memory for the server"
            raise TooLarge(field, f"has {size}, which take {needed // 2**20} MiB of memory to unpack", allowed)
        return needed


def decode(data: bytes, wanted: ImageInput, field: str) -> dict[str, Array]:
    """Return the model's input for the image file in `data`: shape [1, C, H, W] or [1, H, W, C].

    Raises:
        BadRequest: no image of a known format, broken, or larger than MAX_PIXELS.
    """
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
    image.draft(mode, wanted.resized(image.width, image.height))
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
    """Return the picture resized, cut, scaled and laid out as wanted, with a dimension for rows where there is one."""
    size = wanted.resized(*picture.size)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    if size != (wanted.width, wanted.height):
        left, top = round((size[0] - wanted.width) / 2), round((size[1] - wanted.height) / 2)
        picture = picture.crop((left, top, left + wanted.width, top + wanted.height))
    pixels = np.asarray(picture, dtype=np.float32).reshape(wanted.height, wanted.width, wanted.channels)
    if wanted.blue_first:
        pixels = pixels[:, :, ::-1]
    values = pixels * np.array(wanted.scale, np.float32) + np.array(wanted.offset, np.float32)
    if wanted.channels_first:
        values = values.transpose(2, 0, 1)
    if wanted.tensor.numpy_dtype.kind != "f":
        values = np.rint(values)
    return np.ascontiguousarray((values[np.newaxis] if wanted.rows else values).astype(wanted.tensor.numpy_dtype))
