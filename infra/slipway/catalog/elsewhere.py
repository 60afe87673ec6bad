"""Tell which machines of other clouds have the GPUs of an instance type of AWS: elsewhere.json, dated, with sources.

No prices: public lists disagree, and none was checked machine by machine. Machines without a source are left out.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from slipway.catalog.aws import GpuCards

_LIKE = 0.9
"""Memory counts as the same from this share on: makers' gigabytes are powers of ten, and clouds tell of less."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(_Facts):
    """A machine of another cloud: what the maker calls its GPUs, how many, and gigabytes of memory of each."""

    cloud: Literal["azure", "gcp"]
    name: str
    gpu: str
    count: Annotated[int, Field(gt=0)]
    memory_gb: Annotated[int, Field(gt=0)]


class Elsewhere(_Facts):
    """The file. `date`: day on which the sources were read; `sources`: by cloud, for people."""

    date: date
    sources: Mapping[str, str]
    types: tuple[Machine, ...]


@lru_cache(maxsize=1)
def elsewhere() -> Elsewhere:
    """What Slipway ships."""
    return Elsewhere.model_validate_json(resources.files(__package__).joinpath("elsewhere.json").read_bytes())


def equivalents(cards: GpuCards) -> tuple[Machine, ...]:
    """Machines of other clouds with as many of the same GPU, with the same memory."""
    return tuple(
        machine
        for machine in elsewhere().types
        if (machine.gpu, machine.count) == (cards.model, cards.count)
        and _LIKE <= cards.memory / (machine.memory_gb * 10**9) <= 1 / _LIKE
    )
