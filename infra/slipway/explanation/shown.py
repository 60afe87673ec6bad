"""Show an explanation: as lines and a grid of characters, as JSON, and as a page with a picture of the sample."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from slipway.advice.scatter import svg_of
from slipway.explanation.occlusion import Explanation
from slipway.explanation.sample import Array, Sample
from slipway.simulation.page import Table

LISTED = 10
_SHADES = " .:-=+*#%@"
_LABEL = "the sample, and what the answer loses when a part of it is hidden; the table below says the same"
_FOR, _AGAINST = "#1b7837", "#762a83"


def lines(found: Explanation) -> Iterator[str]:
    """What was explained and how to read it, and a grid for each picture: the darker, the more the answer needs it."""
    what = found.measured
    yield f"{what.answer}, release {found.release[:16] or 'unknown'}"
    if not any(one.fall for one in found.effects):
        yield "hiding any single part changes nothing: it decided by parts together, or by none"
        return
    for name, grid in grids(found).items():
        most = np.abs(grid).max() or 1.0
        yield f"{name}: what {what.output} falls by when a patch is hidden, @ = {most:.3g}; blank: nothing, or it rises"
        for row in grid:
            yield "  " + "".join(_SHADES[round(max(0.0, value) / most * (len(_SHADES) - 1))] * 2 for value in row)


def table(found: Explanation, count: int) -> tuple[Sequence[str], list[list[str]]]:
    """Columns and rows of the strongest parts."""
    columns = ("HIDDEN", f"{found.measured.output.upper()} FALLS BY")
    return columns, [[one.part.name, f"{one.fall:+.4g}"] for one in found.strongest(count)]


def tables(found: Explanation) -> tuple[Table, ...]:
    """All parts, for the page."""
    columns, rows = table(found, len(found.effects))
    return (("Parts", columns, rows),)


def document(found: Explanation) -> dict[str, Any]:
    """As JSON."""
    what = found.measured
    return {
        "release": found.release,
        "output": what.output,
        "index": what.index,
        "value": what.value,
        "parts": [
            {"input": one.part.of, "row": one.part.row, "column": one.part.column, "falls_by": one.fall}
            for one in found.effects
        ],
    }


def grids(found: Explanation) -> dict[str, Array]:
    """Effects by row and column of each input that is a picture."""
    result: dict[str, Array] = {}
    for name in dict.fromkeys(one.part.of for one in found.effects if one.part.is_patch):
        mine = [one for one in found.effects if one.part.of == name]
        grid = np.zeros((max(one.part.row for one in mine) + 1, max(one.part.column for one in mine) + 1))
        for one in mine:
            grid[one.part.row, one.part.column] = one.fall
        result[name] = grid
    return result


def draw(found: Explanation, sample: Sample) -> bytes:
    """SVG: each picture with the effects of its patches over it, or the strongest features as bars."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    pictures = grids(found)
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 4.5 * max(1, len(pictures))), layout="constrained")
        axes = figure.subplots(max(1, len(pictures)), 1, squeeze=False)[:, 0]
        for ax, (name, grid) in zip(axes, pictures.items(), strict=False):
            most = float(np.abs(grid).max()) or 1.0
            seen = _seen(sample.original(name))
            height, width = seen.shape[:2]
            ax.imshow(seen, cmap="gray", extent=(0, width, height, 0))
            colours = mpl.colors.LinearSegmentedColormap.from_list("effect", [_AGAINST, "#f7f7f7", _FOR])
            shown = ax.imshow(grid, cmap=colours, vmin=-most, vmax=most, alpha=0.6, extent=(0, width, height, 0))
            ax.set_title(name, parse_math=False)
            figure.colorbar(shown, ax=ax, label=f"{found.measured.output} falls by")
        if not pictures:
            best = found.strongest(LISTED)[::-1]
            axes[0].barh([one.part.name for one in best], [one.fall for one in best], color=_FOR)
            axes[0].set_xlabel(f"{found.measured.output} falls by, when hidden")
        return svg_of(
            figure, "the sample and what the answer loses when a part is hidden; the table below says the same"
        )


def _seen(array: Array) -> Array:
    """Height x width (x colour) of what was sent, for the eye alone."""
    plane = array[0] if array.ndim > 3 else array
    if plane.ndim == 3 and plane.shape[0] in (1, 3):
        plane = np.moveaxis(plane, 0, -1)
    if plane.ndim == 3 and plane.shape[-1] != 3:
        plane = plane.mean(axis=-1)
    if plane.ndim == 3 and plane.dtype.kind == "f":
        low, high = float(plane.min()), float(plane.max())
        plane = (plane - low) / (high - low or 1.0)
    return plane
