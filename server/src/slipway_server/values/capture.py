"""Contains what is kept of requests and answers, and where: samples, encrypted before they leave the process."""

from typing import Annotated

from pydantic import Field

from slipway_server.values.section import Section

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Text = Annotated[str, Field(min_length=1, max_length=300)]


class SampleSection(Section):
    """Which of a model's tensors a sample has.

    `fields`: names of inputs and outputs; all of them when left out. `redact`: names that are left out of those.
    """

    fields: list[_Name] | None = None
    redact: list[_Name] = Field(default_factory=list)


class StoreSection(Section):
    """Where samples go. `endpoint`: of a store that is not AWS's. `prefix`: what keys of objects begin with."""

    bucket: _Text
    region: _Text
    endpoint: _Text | None = None
    prefix: _Text


class CaptureSection(Section):
    """What is kept.

    `share`: of the answered requests. `folder`: with the keys that samples are encrypted by, and, where pods have no
    role in AWS, with credentials of the store.
    """

    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    sample: SampleSection = SampleSection()
    store: StoreSection
    folder: _Text
