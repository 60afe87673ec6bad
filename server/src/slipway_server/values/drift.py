"""Contains what is counted of inputs and outputs, so that it can be told whether they are still what they were."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slipway_server.values.section import Section

Measure = Literal["value", "mean", "spread", "roughness", "length", "top", "class"]
MOST_FEATURES = 24
MOST_BINS = 24
LOW, HIGH, OTHER, MISSING = "low", "high", "other", "missing"
"""Bins of what the profile never had: below its least number, above its largest, another class; and of no number."""
_Count = Annotated[int, Field(ge=0)]
_Edges = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2, max_length=MOST_BINS)]
_Bound = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BoundsSection(Section):
    """What chance alone exceeds in one window of a thousand, for windows of one row.

    Of a window of n rows held against m, `psi` and `js` are multiplied by 1/n + 1/m, `ks` by the root of that. Classes
    have no order, and so no `ks`.
    """

    psi: _Bound
    js: _Bound
    ks: _Bound | None = None


class FeatureSection(Section):
    """One number or class of each row, and how often the profile had it in each bin.

    `of`: the input or output that it is read from.
    `measure`: what of it: the `value` of its element `element`, or of all elements of a row their `mean`, `spread`
    (standard deviation) and `roughness` (mean distance between neighbours), of a text its `length`, of scores the
    highest (`top`) and its place (`class`).
    `rank`: dimensions of one row. `edges`: of numbers, rising; the bins are below the first, between each two, above
    the last, and missing. `values`: of classes; the last bin is every other. `rows`: of the profile, by bin.
    """

    name: Annotated[str, Field(min_length=1, max_length=255)]
    side: Literal["inputs", "outputs"]
    of: Annotated[str, Field(min_length=1)]
    measure: Measure
    element: Annotated[int, Field(ge=0)] = 0
    rank: Annotated[int, Field(ge=0, le=16)]
    edges: _Edges | None = None
    values: Annotated[list[str], Field(min_length=1, max_length=MOST_BINS)] | None = None
    rows: Annotated[list[_Count], Field(min_length=2)]
    bounds: BoundsSection

    @property
    def bins(self) -> list[str]:
        """Their names, in the order of `rows`."""
        if self.values is not None:
            return [*self.values, OTHER]
        return [LOW, *(str(number) for number in range(1, len(self.edges or ()))), HIGH, MISSING]

    @model_validator(mode="after")
    def _has_bins_of_one_kind(self) -> "FeatureSection":
        if (self.edges is None) == (self.values is None):
            raise ValueError("exactly one of edges and values is needed")
        if self.edges is not None and sorted(self.edges) != self.edges:
            raise ValueError("edges rise")
        if len(self.rows) != len(self.bins):
            raise ValueError(f"rows has {len(self.rows)} numbers, and there are {len(self.bins)} bins")
        return self


class ProfileSection(Section):
    """What the model was like on the data of its lock."""

    features: Annotated[list[FeatureSection], Field(min_length=1, max_length=MOST_FEATURES)]


class DriftSection(ProfileSection):
    """What is counted. `share`: of the calls, which chance chooses."""

    share: Annotated[float, Field(gt=0, le=1)]
