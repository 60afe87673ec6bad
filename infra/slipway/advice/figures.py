"""Hold a number together with what it stands on: nobody should take an assumption for a measurement."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

Basis = Literal["measured", "catalogue", "given", "assumed"]
"""Measured of this model; a price or a size of the catalogue; written in a spec or on the command line; neither."""
BASES: tuple[Basis, ...] = get_args(Basis)
"""The surest first."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number.

    Attributes:
        value: the number; its unit is in the name of what holds the figure.
        basis: what it stands on.
        source: the same for people: a file, a date, an option.
    """

    value: float
    basis: Basis
    source: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values, to six significant digits."""
        return {"value": float(f"{self.value:.6g}"), "basis": self.basis, "source": self.source}

    def shown(self, locations: int = 2) -> str:
        """The number as tables have it, with the first letter of its basis: `12.50 m`."""
        return f"{self.value:,.{locations}f} {self.basis[0]}"


def figure_json(figure: Figure | None) -> dict[str, Any] | None:
    """A figure as JSON values; None stays None, since unknown is not zero."""
    return None if figure is None else figure.to_json()


def shown(figure: Figure | None, locations: int = 2) -> str:
    """A figure as tables have it; a `?` is unknown."""
    return "?" if figure is None else figure.shown(locations)


def derived(value: float | Decimal, of: Iterable[Figure], source: str) -> Figure:
    """A number that was computed from others: it is as sure as the least sure of them."""
    return Figure(float(value), max((one.basis for one in of), key=BASES.index), source)
