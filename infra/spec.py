"""Hold what a person writes about one model: the frozen, validated spec of models/*.yaml."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from infra.quantities import (
    Bytes,
    DnsLabel,
    Millicores,
    ModelName,
    Seconds,
    SemVer,
    format_bytes,
    format_seconds,
    line_of_text,
    refusal,
    repository_path,
    whole_number,
)
from infra.versions import API_VERSION

MEMORY_LEAST = 64 * 2**20
BODY_MOST = 2**30

OVERRIDABLE = ("version", "artifact", "resources", "scale", "endpoint", "check")
"""What may differ between environments; the rest is what the model is, wherever it runs."""


def number(least: int, most: int) -> Any:
    """The validator and JSON Schema of a whole number in a range."""
    return BeforeValidator(whole_number(least, most)), WithJsonSchema(
        {"type": "integer", "minimum": least, "maximum": most}
    )


def _text(limit: int, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    schema = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})
    return BeforeValidator(line_of_text(limit, example)), schema


_file_rule = BeforeValidator(repository_path), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512})
RepositoryFile = Annotated[str, *_file_rule]
Replicas = Annotated[int, *number(1, 1000)]
GpuCount = Annotated[int, *number(1, 16)]
Percent = Annotated[int, *number(1, 100)]


class Section(BaseModel):
    """A part of a file that a person writes: frozen, and a key that nothing reads is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ArtifactSource(Section):
    """Where the trained weights are."""

    source: RepositoryFile = Field(
        description="ONNX file, relative to the repository's root (the folder with Pulumi.yaml).",
        examples=["models/digits/model.onnx"],
    )


class Gpu(Section):
    """Accelerators by what they can do, not by the name of a machine."""

    count: GpuCount = Field(description="GPUs that one replica gets for itself.", examples=[1])
    memory: Bytes = Field(description="Memory that each of those GPUs has at least.", examples=["24Gi"])


class Resources(Section):
    """What one replica gets: request and limit alike, so that a neighbour can neither take nor give any."""

    cpu: Millicores = Field(description="CPU of one replica; also how many threads the server uses.", examples=["500m"])
    memory: Bytes = Field(
        description="Memory of one replica: the server, the weights and the requests.", examples=["512Mi"]
    )
    gpu: Gpu | None = Field(default=None, description="GPUs of one replica; none when left out.")

    @model_validator(mode="after")
    def _memory_is_enough_for_a_server(self) -> Self:
        if self.memory < MEMORY_LEAST:
            least = format_bytes(MEMORY_LEAST)
            text = format_bytes(self.memory)
            raise refusal(f"{text} is less than any server needs", f"at least {least}", f"write {least}", ("memory",))
        return self


class Target(Section):
    """What the autoscaler holds steady."""

    cpu_percent: Percent = Field(
        description="Mean CPU use of the replicas, in percent of `resources.cpu`.", examples=[70]
    )


class Scale(Section):
    """How many replicas there are."""

    min: Replicas = Field(default=1, description="Replicas that are always there.", examples=[1])
    max: Replicas = Field(default=1, description="Replicas at the highest load.", examples=[4])
    target: Target | None = Field(
        default=None, description="When to add or remove replicas; needed when `max` is above `min`."
    )

    @model_validator(mode="after")
    def _bounds_and_target_agree(self) -> Self:
        if self.min > self.max:
            allowed = f"at most scale.max, which is {self.max}"
            raise refusal(f"{self.min} is above scale.max", allowed, "raise max or lower min", ("min",))
        if self.max > self.min and self.target is None:
            problem = f"is missing, though max {self.max} is above min {self.min}"
            raise refusal(problem, "cpu_percent from 1 to 100", "add target: {cpu_percent: 70}", ("target",))
        return self


class Endpoint(Section):
    """What a request may cost."""

    timeout: Seconds = Field(
        default=30.0,
        description="Longest time that a request may take.",
        examples=["30s"],
        json_schema_extra={"default": format_seconds(30.0)},
    )
    max_body: Bytes = Field(
        default=10 * 2**20,
        description="Largest body of a request, at most 1Gi.",
        examples=["10Mi"],
        json_schema_extra={"default": format_bytes(10 * 2**20)},
    )

    @model_validator(mode="after")
    def _a_body_fits_into_a_pod(self) -> Self:
        if self.max_body > BODY_MOST:
            problem = f"{format_bytes(self.max_body)} is more than a server takes"
            raise refusal(problem, "at most 1Gi", "write 1Gi or less", ("max_body",))
        return self


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


class ModelSpec(Section):
    """One model to serve."""

    apiVersion: Literal["slipway/v1"] = Field(  # noqa: N815 - the field's standard name in Kubernetes-like files
        description="Version of this format.", examples=[API_VERSION]
    )
    name: ModelName = Field(description="Name of the model; no two specs share one.", examples=["digits"])
    version: SemVer = Field(description="Semantic version of the model.", examples=["1.0.0"])
    owner: Annotated[str, *_text(63, "vision")] = Field(description="Who answers for the model.", examples=["vision"])
    description: Annotated[str, *_text(500, "Handwritten digits")] | None = Field(
        default=None, description="What the model does, on one line.", examples=["Handwritten digits, 8x8 grey"]
    )
    artifact: ArtifactSource = Field(
        description="The trained weights.", examples=[{"source": "models/digits/model.onnx"}]
    )
    runtime: Literal["onnxruntime"] = Field(description="What runs the model.", examples=["onnxruntime"])
    resources: Resources = Field(description="What one replica gets.", examples=[{"cpu": "500m", "memory": "512Mi"}])
    scale: Scale = Field(default=Scale(), description="How many replicas there are; one when left out.")
    endpoint: Endpoint = Field(default=Endpoint(), description="What a request may cost.")
    check: Check = Field(
        description="The golden request and its right answer.",
        examples=[{"request": "models/digits/check.json", "expect": {"label": 7}}],
    )
    environments: dict[DnsLabel, dict[str, Any]] = Field(
        default_factory=dict,
        description=(
            "What differs in an environment, by its name: any of "
            + ", ".join(f"`{key}`" for key in OVERRIDABLE)
            + ", down to single fields; validated after merging."
        ),
        examples=[{"prod": {"scale": {"min": 3, "max": 20}}}],
    )
