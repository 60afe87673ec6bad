"""Turn FP32 into the bits of bfloat16 and back. numpy has no such type, and FP32 has all of its numbers."""

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]

LARGEST = 255 * 2.0**120
_HALF, _ODD, _QUIET = np.uint32(0x7FFF), np.uint32(1), np.uint32(0x40)
_WIDTH = np.uint32(16)


def to_bits(array: Floats) -> Bits:
    """Return the nearest bfloat16 of each number, the even one of two that are as near; NaN stays NaN."""
    whole = np.ascontiguousarray(array).reshape(array.shape).view(np.uint32)
    upper = whole >> _WIDTH
    with np.errstate(over="ignore"):
        rounded = (whole + _HALF + (upper & _ODD)) >> _WIDTH
    return np.asarray(np.where(np.isnan(array), upper | _QUIET, rounded), np.uint16)


def from_bits(bits: Bits) -> Floats:
    """Return the numbers that these bits are, exactly."""
    return np.asarray(bits.astype(np.uint32) << _WIDTH, np.uint32).view(np.float32)


def rounded(array: Floats) -> Floats:
    """Return the nearest number that bfloat16 has."""
    return from_bits(to_bits(array))
