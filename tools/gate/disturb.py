"""Disturb inputs: noise, blur and shift of pictures, by scipy; each within the values that the dataset has."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage
from step import Refused

DISTURBANCES = ("noise", "blur", "shift")
_MOST_CHANNELS = 4


def disturbed(
    name: str, amount: float, inputs: Mapping[str, np.ndarray], step: int, seed: int
) -> dict[str, np.ndarray]:
    """Inputs as they come from a worse sensor; what is no float or no picture stays as it is.

    Args:
        name: `noise` (Gaussian; in standard deviations of the input over the dataset), `blur` (Gaussian; standard
            deviation in pixels) or `shift` (pixels; the rows go down, up, right and left in turn, and what comes in
            repeats the edge).
        amount: how much of it.
        inputs: by name, rows first.
        step: rows of one request; 0 where each row is a whole request, whose own first dimension is then its batch.
        seed: of the noise.

    Raises:
        Refused: there is nothing to disturb.
    """
    changed = dict(inputs)
    for which, array in inputs.items():
        axes = _picture_axes(array.shape, leading=1 if step else 2)
        if array.dtype.kind != "f" or (axes is None and name != "noise"):
            continue
        moved = _moved(name, amount, array.astype(np.float64), axes or (), [seed, *which.encode()])
        changed[which] = np.clip(moved, array.min(), array.max()).astype(array.dtype)
    if all(changed[which] is array for which, array in inputs.items()):
        needs = "an input of floats" if name == "noise" else "a picture: floats, with height and width of at least 2"
        shapes = ", ".join(f"{which} {array.dtype.name} {list(array.shape)}" for which, array in inputs.items())
        raise Refused(
            f"accept.robustness.{name} finds nothing to disturb in {shapes}", needs, f"leave {name} out of robustness"
        )
    return changed


def _moved(name: str, amount: float, array: np.ndarray, axes: Sequence[int], seed: Sequence[int]) -> np.ndarray:
    if name == "noise":
        return array + np.random.default_rng(seed).normal(0, amount * array.std(), array.shape)
    if name == "blur":
        return ndimage.gaussian_filter(
            array, [amount if axis in axes else 0 for axis in range(array.ndim)], mode="nearest"
        )
    moved = array.copy()
    for turn, (axis, sign) in enumerate((axis, sign) for axis in axes for sign in (1, -1)):
        amounts = [sign * amount if each == axis else 0 for each in range(array.ndim)]
        moved[turn::4] = ndimage.shift(array[turn::4], amounts, order=1, mode="nearest")
    return moved


def _picture_axes(shape: tuple[int, ...], leading: int) -> tuple[int, int] | None:
    """Height and width: the last two axes, or the two before channels that come last; None where there are none."""
    axes = list(range(leading, len(shape)))
    if len(axes) == 3 and shape[-1] <= _MOST_CHANNELS < min(shape[-3], shape[-2]):
        axes = axes[:-1]
    found = axes[-2:]
    return (found[0], found[1]) if len(found) == 2 and min(shape[axis] for axis in found) > 1 else None
