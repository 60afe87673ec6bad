"""Tell what classes of devices there are: hardware.json, dated, with the source of each.

Nothing in it was measured here. What a source does not say is null, and is shown as unknown, never as nothing.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from slipway.values.quantities import Bytes
from slipway.values.section import Section, amount, number


class Hardware(Section):
    """A class of devices: what each of them has."""

    architecture: Literal["amd64", "arm64"] = Field(description="Of its CPU.", examples=["arm64"])
    cores: Annotated[int, *number(1, 256)] = Field(description="Cores of its CPU.", examples=[4])
    ghz: Annotated[float, *amount(10, "2.4")] = Field(description="Clock of a core, in GHz.", examples=[2.4])
    operations: Annotated[int, *number(1, 256)] = Field(
        description="FP32 operations that a core does in a cycle at most, two for a multiply-add.", examples=[16]
    )
    memory: Bytes = Field(description="Memory of the device, all of it.", examples=["8Gi"])
    runs_on: Literal["docker", "kubernetes"] = Field(
        default="docker",
        description="What runs models on it: a Docker Engine of its own, or Kubernetes, such as k3s, where `cores` and "
        "`memory` are those of one node.",
        examples=["kubernetes"],
        exclude_if=lambda value: value == "docker",
        json_schema_extra={"since": "0.2"},
    )
    watts: Annotated[float, *amount(10_000, "12")] | None = Field(
        default=None, description="Power under load; unknown when left out.", examples=[12]
    )
    usd: Annotated[float, *amount(1_000_000, "80")] | None = Field(
        default=None, description="Price of one device; unknown when left out.", examples=[80]
    )

    @property
    def gflops(self) -> float:
        """FP32 operations a second at most, in thousands of millions: cores x clock x operations a cycle."""
        return self.cores * self.ghz * self.operations

    @property
    def has_cluster(self) -> bool:
        """Whether models run on Kubernetes there, not on a Docker Engine."""
        return self.runs_on != "docker"


class Catalogue(Section):
    """The file. `date`: day on which the sources were read; `sources`: by class, for people."""

    date: date
    sources: Mapping[str, str]
    classes: Mapping[str, Hardware]


@lru_cache(maxsize=1)
def hardware() -> Catalogue:
    """What Slipway ships."""
    return Catalogue.model_validate_json(resources.files(__package__).joinpath("hardware.json").read_bytes())
