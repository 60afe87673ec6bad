"""Draw a report: how good each model is against how long it takes, with matplotlib, which is an extra."""

import io
from collections.abc import Mapping

from slipway.gate.report import Report

_SIZE = (9, 5)
_LARGEST, _SMALLEST = 900.0, 25.0
"""Areas of points, in square points of print."""


def draw(report: Report, links: Mapping[str, str]) -> bytes:
    """SVG: p50 to the right, the metric (else agreement, else nothing) upwards, the area of a point as its bytes.

    Args:
        report: what was measured.
        links: for each variant the anchor of the page that its name leads to.
    """
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and it takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    what = report.metric or ("agreement" if report.rows else None)
    values = [(each.metric if report.metric else each.agreement) if what else 0.0 for each in report.variants]
    shown = [(each, value) for each, value in zip(report.variants, values, strict=True) if value is not None]
    largest = max(each.size_bytes for each in report.variants)
    with mpl.rc_context({"svg.hashsalt": "slipway", "svg.fonttype": "none"}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        axes.scatter(
            [each.timing.p50_ms for each, _ in shown],
            [value for _, value in shown],
            s=[max(_SMALLEST, _LARGEST * each.size_bytes / largest) for each, _ in shown],
            c=[f"C{index % 10}" for index, _ in enumerate(shown)],
            alpha=0.6,
        )
        for each, value in shown:
            place = (each.timing.p50_ms, value)
            note = axes.annotate(each.name, place, xytext=(8, 8), textcoords="offset points", parse_math=False)
            note.set_url(f"#{links[each.name]}")
        axes.margins(0.2)
        axes.set_xlabel("p50 of one row, ms (area of a point: size of the model)")
        axes.set_ylabel(what or "no dataset")
        if what is None:
            axes.set_yticks([])
        axes.grid(visible=True, alpha=0.3)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    label = f'<svg role="group" aria-label="{what or "models"} against p50, a point for each step" '
    # Its links lead to tables of the same page, not to a new window.
    return file.getvalue().replace(b"<svg ", label.encode(), 1).replace(b' target="_blank"', b"")
