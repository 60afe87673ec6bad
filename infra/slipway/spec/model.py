"""Hold what a person writes about one model: the frozen, validated spec of models/*.yaml."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.catalog.pod_contract import API_VERSION
from slipway.errors.base import nearest
from slipway.policy.rules import EXCEPTABLE
from slipway.spec.batching import Batching
from slipway.spec.resources import Resources
from slipway.values.quantities import (
    Bytes,
    DnsLabel,
    ModelName,
    Seconds,
    SemVer,
    format_bytes,
    format_seconds,
    line_of_text,
    refusal,
    repository_path,
)
from slipway.values.section import Section, number

BODY_MOST = 2**30
REASON_LEAST = 20
DRAIN_MOST_S = 600.0

OVERRIDABLE = (
    "version", "artifact", "resources", "scale", "rollout", "spot", "data", "endpoint", "batching", "check",
    "exceptions",
)  # fmt: skip
"""What may differ between environments; the rest is what the model is, wherever it runs."""


_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,16}){1,3}-[1-9]")
_ZONE = re.compile(rf"{_REGION.pattern}[a-z]")


def _text(limit: int, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    schema = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})
    return BeforeValidator(line_of_text(limit, example)), schema


def _pattern(pattern: re.Pattern[str], what: str, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    def parse(value: object) -> str:
        text = line_of_text(63, example)(value)
        if not pattern.fullmatch(text):
            raise refusal(f"is not the name of {what}", f"{what} as AWS names it", f"write for example {example}")
        return text

    return BeforeValidator(parse), WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern.pattern})$"})


_file_rule = BeforeValidator(repository_path), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512})
RepositoryFile = Annotated[str, *_file_rule]
Replicas = Annotated[int, *number(1, 1000)]
Percent = Annotated[int, *number(1, 100)]


def _exceptable(value: object) -> str:
    text = line_of_text(63, EXCEPTABLE[0])(value)
    if text not in EXCEPTABLE:
        near = nearest(text, EXCEPTABLE)
        todo = f"write {near}" if near else "remove it (docs/policy.md has all rules)"
        raise refusal("is no rule that a model can be excepted from", ", ".join(EXCEPTABLE), todo)
    return text


_rule_schema = WithJsonSchema({"type": "string", "enum": list(EXCEPTABLE)})
ExceptableRule = Annotated[str, BeforeValidator(_exceptable), _rule_schema]
_reason_rule = BeforeValidator(line_of_text(500, "Nobody outside of the team calls it", REASON_LEAST))
Reason = Annotated[str, _reason_rule, WithJsonSchema({"type": "string", "minLength": REASON_LEAST, "maxLength": 500})]


class ArtifactSource(Section):
    """Where the trained weights are."""

    source: RepositoryFile = Field(
        description="ONNX file, relative to the repository's root (the folder with Pulumi.yaml).",
        examples=["models/digits/model.onnx"],
    )


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


class RolloutRules(Section):
    """What an update may do to those who use the model."""

    downtime: Literal["refused", "allowed"] = Field(
        default="refused",
        description="Whether the only replica may stop before its successor serves, where there is no room for both.",
        examples=["allowed"],
    )
    drain: Seconds = Field(
        default=10.0,
        description=(
            "How long a stopping replica goes on answering, at most 10m: longer than any node or load balancer takes "
            "to stop sending it requests."
        ),
        examples=["15s"],
        json_schema_extra={"default": format_seconds(10.0)},
    )

    @model_validator(mode="after")
    def _a_drain_ends(self) -> Self:
        if self.drain > DRAIN_MOST_S:
            problem = f"{format_seconds(self.drain)} is more than a node waits for a pod that stops"
            raise refusal(problem, "at most 10m", "write 10m or less", ("drain",))
        return self


class DataResidency(Section):
    """Where the model's data has to stay, and so its pods."""

    region: Annotated[str, *_pattern(_REGION, "a region", "eu-central-1")] = Field(
        description="Region that no pod may leave.", examples=["eu-central-1"]
    )
    zone: Annotated[str, *_pattern(_ZONE, "a zone", "eu-central-1a")] | None = Field(
        default=None, description="Zone of it that no pod may leave; any when left out.", examples=["eu-central-1a"]
    )

    @model_validator(mode="after")
    def _the_zone_is_in_the_region(self) -> Self:
        if self.zone is not None and self.zone[:-1] != self.region:
            allowed = f"a zone of {self.region}"
            problem = f"{self.zone} is not in region {self.region}"
            raise refusal(problem, allowed, f"write for example {self.region}a", ("zone",))
        return self


class Endpoint(Section):
    """What a request may cost."""

    timeout: Seconds = Field(
        default=30.0,
        description="Longest time that a request may take.",
        examples=["30s"],
        json_schema_extra={"default": format_seconds(30.0)},
    )
    max_body: Bytes | None = Field(
        default=None,
        description=(
            "Largest body of a request, at most 1Gi, and no more than `resources.memory` carries; when left out, half "
            "of that, at most 10Mi."
        ),
        examples=["10Mi"],
        exclude_if=lambda value: value is None,
    )

    @model_validator(mode="after")
    def _a_body_fits_into_a_pod(self) -> Self:
        if self.max_body is not None and self.max_body > BODY_MOST:
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
    rollout: RolloutRules = Field(
        default=RolloutRules(),
        description="What an update may do to those who use the model.",
        exclude_if=lambda value: value == RolloutRules(),
    )
    spot: Literal["avoided", "allowed"] = Field(
        default="avoided",
        description=(
            "Whether replicas may run on spot nodes, which can be taken back. `avoided`: only where no other pool "
            "fits; `allowed`: where they cost least."
        ),
        examples=["allowed"],
        exclude_if=lambda value: value == "avoided",
    )
    data: DataResidency | None = Field(
        default=None,
        description="Where the model's data has to stay, and so its pods; anywhere when left out.",
        examples=[{"region": "eu-central-1"}],
        exclude_if=lambda value: value is None,
    )
    endpoint: Endpoint = Field(default=Endpoint(), description="What a request may cost.")
    batching: Batching = Field(
        default=Batching(),
        description="Whether and how the rows of several requests share a run of the model (docs/batching.md).",
        exclude_if=lambda value: value == Batching(),
    )
    check: Check = Field(
        description="The golden request and its right answer.",
        examples=[{"request": "models/digits/check.json", "expect": {"label": 7}}],
    )
    exceptions: dict[ExceptableRule, Reason] = Field(
        default_factory=dict,
        description=(
            f"Rules of the policy that do not hold for this model, each with why in {REASON_LEAST} characters or more."
        ),
        examples=[{"spot-floor": "A batch job asks, and asks again tomorrow"}],
        exclude_if=lambda value: not value,
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
