"""Write a report as one HTML page: table, scatter of quality against latency, and confusion matrices."""

from collections.abc import Sequence

from slipway.gate.chart import draw
from slipway.gate.judge import Refusal
from slipway.gate.report import Confusion, Report, Variant
from slipway.gate.table import lines, table
from slipway.simulation.page import Table, anchor, page

_TITLE = "Measured"


def render_page(report: Report, refusals: Sequence[Refusal] = ()) -> str:
    """The page, with everything in it; the same report gives the same bytes.

    Needs matplotlib (`slipway.simulation.chart.require`). Names in the picture lead to the confusion matrices.
    """
    verdicts = [
        f"Refused: {each.stage}: {each.problem}; allowed: {each.allowed}; next: {each.todo}" for each in refusals
    ]
    matrices = [_matrix(variant, variant.confusion) for variant in report.variants if variant.confusion is not None]
    links = {each.name: anchor(_matrix_title(each) if each.confusion else _TITLE) for each in report.variants}
    title = f"{report.model}: what its steps made of it"
    tables = [(_TITLE, *table(report, refusals)), *matrices]
    return page(title, [*lines(report), *verdicts], draw(report, links), tables)


def _matrix_title(variant: Variant) -> str:
    return f"Confusion of {variant.name}: right down, answered across"


def _matrix(variant: Variant, confusion: Confusion) -> Table:
    rows = [[label, *map(str, counts)] for label, counts in zip(confusion.labels, confusion.counts, strict=True)]
    return _matrix_title(variant), ["", *confusion.labels], rows
