"""Write what others wrote into files that people open in a spreadsheet."""

from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(cells: Iterable[str]) -> list[str]:
    """Cells of CSV of which none is taken for a formula: with an apostrophe before it, a spreadsheet shows the text."""
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]
