"""Hold what a spec says that one replica gets: CPU, memory and GPUs, by what they can do."""

from fractions import Fraction
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.catalog.cpu import CpuFeature
from slipway.values.enclaves import refuse_enclaves
from slipway.values.quantities import Bytes, Millicores, Share, format_bytes, refusal
from slipway.values.section import Section, empty, left_out, number

MEMORY_LEAST = 64 * 2**20

GpuCount = Annotated[int, *number(1, 16)]
Family = Literal["T4", "A10G", "L4", "L40S", "A100", "H100", "H200", "B200"]
Architecture = Literal["amd64", "arm64"]

_FAMILIES = {"enum": list(get_args(Family))}


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Families = Annotated[
    tuple[Family, ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_FAMILIES, {"type": "array", "items": _FAMILIES, "minItems": 1}]}),
]


class Gpu(Section):
    """Accelerators by what they can do, not by the name of a machine."""

    count: GpuCount = Field(description="GPUs that one replica gets for itself.", examples=[1])
    memory: Bytes = Field(
        description="Memory that each of those GPUs, or the part of one, has at least.", examples=["24Gi"]
    )
    family: Families | None = Field(
        default=None,
        description="Families of GPUs that the model runs on; any when left out.",
        examples=[["L4", "A10G"]],
        exclude_if=left_out,
    )
    share: Share = Field(
        default=Fraction(1),
        description="Part of one GPU that is enough; below 1 a pool may share its GPUs among replicas.",
        examples=["1/4"],
        json_schema_extra={"default": "1"},
        exclude_if=lambda value: value == 1,
    )

    @model_validator(mode="after")
    def _only_one_gpu_is_shared(self) -> Self:
        if self.share < 1 and self.count > 1:
            problem = f"{self.count} is more than one, though share is {self.share}"
            raise refusal(problem, "1 with a share below 1", "write count: 1, or leave share out", ("count",))
        return self


class Resources(Section):
    """What one replica gets: request and limit alike, so that a neighbour can neither take nor give any."""

    cpu: Millicores = Field(description="CPU of one replica; also how many threads the server uses.", examples=["500m"])
    memory: Bytes = Field(
        description="Memory of one replica: the server, the weights and the requests.", examples=["512Mi"]
    )
    gpu: Gpu | None = Field(default=None, description="GPUs of one replica; none when left out.")
    architecture: Architecture = Field(
        default="amd64",
        description="Architecture of the CPU; `arm64` for Graviton.",
        examples=["arm64"],
        exclude_if=lambda value: value == "amd64",
    )
    cpu_features: tuple[CpuFeature, ...] = Field(
        default=(),
        description="What the CPU must be able to do for the model; looked at again before a replica is ready "
        "(docs/how-to/cpu-features.md).",
        examples=[["avx512"]],
        exclude_if=empty,
    )

    @model_validator(mode="before")
    @classmethod
    def _no_enclave(cls, section: Any) -> Any:
        return refuse_enclaves(section)

    @model_validator(mode="after")
    def _memory_is_enough_for_a_server(self) -> Self:
        if self.memory < MEMORY_LEAST:
            least = format_bytes(MEMORY_LEAST)
            text = format_bytes(self.memory)
            raise refusal(f"{text} is less than any server needs", f"at least {least}", f"write {least}", ("memory",))
        return self

    @model_validator(mode="after")
    def _features_are_of_the_architecture(self) -> Self:
        if self.cpu_features and self.architecture != "amd64":
            problem = f"{', '.join(self.cpu_features)}: no CPU of architecture {self.architecture} has that"
            raise refusal(problem, "none with arm64", "remove cpu_features or architecture", ("cpu_features",))
        return self
