"""Contains what a spec says about the golden request."""

from typing import Any

from pydantic import Field

from slipway.spec.texts import RepositoryFile
from slipway.values.quantities import Seconds, format_seconds
from slipway.values.section import Section


class Check(Section):
    """The golden request: a replica that does not answer it rightly and in time never gets traffic."""

    request: RepositoryFile = Field(
        description="JSON file with a body of `POST /predict`, relative to the repository's root.",
        examples=["models/digits/check.json"],
    )
    expect: dict[str, Any] = Field(
        description=(
            "The right answer by output name: a number, a nested list, text, `{value: X, tolerance: T}` or "
            "`{min: A, max: B}`."
        ),
        examples=[{"label": 7}],
    )
    timeout: Seconds = Field(
        default=2.0,
        description="Longest time that the answer may take.",
        examples=["2s"],
        json_schema_extra={"default": format_seconds(2.0)},
    )
