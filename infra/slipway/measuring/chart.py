"""Draw how long requests take at each rate, as SVG, with matplotlib, which is an extra."""

import io
from collections.abc import Sequence

from slipway.measuring.findings import Step
from slipway.measuring.steps import label

_SIZE = (10, 5)


def draw(found: Sequence[Step]) -> bytes:
    """Return a picture: rates from left to right, p50 pale and p95 strong from low to high, a ring at each knee."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    # The same findings give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        for step in found:
            points = [point for point in step.points if point.p95_ms and point.p50_ms]
            rates = [point.rate for point in points]
            p95 = axes.plot(
                rates, [point.p95_ms or 0 for point in points], "o-", ms=4, label=label(step.cpu, step.memory)
            )[0]
            axes.plot(rates, [point.p50_ms or 0 for point in points], color=p95.get_color(), alpha=0.4)
            if (at := step.at_knee) is not None and at.p95_ms:
                axes.plot([at.rate], [at.p95_ms], "o", ms=12, mfc="none", color=p95.get_color())
        axes.set_xlabel("requests a second (ring: the knee)")
        axes.set_ylabel("p95, ms (pale: p50)")
        axes.set_yscale("log")
        axes.set_xlim(left=0)
        axes.grid(visible=True, alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
