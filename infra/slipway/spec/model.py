"""Contains what a person writes about one model: the frozen, validated spec of models/*.yaml."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog.pod_contract import API_VERSION
from slipway.runtimes.registry import LLAMA, RUNTIMES, RuntimeName
from slipway.spec.adapt import Adapt
from slipway.spec.artifact.accept import Accept
from slipway.spec.artifact.optimize import STEPS_MOST, Step
from slipway.spec.artifact.source import ONNX, ArtifactSource
from slipway.spec.batching import Batching
from slipway.spec.capture import Capture
from slipway.spec.check import Check
from slipway.spec.custom.egress import EGRESS_MOST, Egress
from slipway.spec.custom.environment import VARIABLES_MOST, Variables
from slipway.spec.custom.image import Custom
from slipway.spec.drift import Drift
from slipway.spec.endpoint import Endpoint
from slipway.spec.exceptions import REASON_LEAST, ExceptableRule, Reason
from slipway.spec.language.section import Language
from slipway.spec.others.own import OwnServer, own_server
from slipway.spec.others.server import Server
from slipway.spec.pipeline import Pipeline
from slipway.spec.quality import Quality
from slipway.spec.residency import DataResidency
from slipway.spec.resources import Resources
from slipway.spec.rollout import RolloutRules
from slipway.spec.rules import refuse_misfits
from slipway.spec.scale import Scale
from slipway.spec.slo import Slo
from slipway.spec.tensors.input import Input
from slipway.spec.tensors.output import Output
from slipway.spec.texts import text
from slipway.spec.tolerations import TOLERATIONS_MOST, Tolerations
from slipway.values.quantities import DnsLabel, ModelName, SemVer
from slipway.values.section import Section, empty, left_out

OVERRIDABLE = (
    "version", "fixes", "artifact", "custom", "server", "llama", "env", "egress", "optimize", "accept", "input",
    "output", "resources", "scale", "rollout", "spot", "tolerates", "data", "endpoint", "batching", "check", "slo",
    "quality", "drift", "adapt", "capture", "exceptions",
)  # fmt: skip
"""What may differ between environments; the rest is what the model is, wherever it runs."""


class ModelSpec(Section):
    """One model to serve."""

    apiVersion: Literal["slipway/v1"] = Field(  # noqa: N815 - the field's standard name in Kubernetes-like files
        description="Version of this format.", examples=[API_VERSION]
    )
    name: ModelName = Field(description="Name of the model; no two specs share one.", examples=["digits"])
    version: SemVer = Field(description="Semantic version of the model.", examples=["1.0.0"])
    fixes: SemVer | None = Field(
        default=None,
        description=(
            "The version that this one fixes, and changes in nothing else: other weights then need a higher patch "
            "only (docs/how-to/version-a-model.md)."
        ),
        examples=["1.0.0"],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    owner: Annotated[str, *text(63, "vision")] = Field(description="Who answers for the model.", examples=["vision"])
    description: Annotated[str, *text(500, "Handwritten digits")] | None = Field(
        default=None, description="What the model does, on one line.", examples=["Handwritten digits, 8x8 grey"]
    )
    artifact: ArtifactSource | None = Field(
        default=None,
        description="The trained weights; every model has them but a pipeline, and one whose image has them.",
        examples=[{"source": "models/digits/model.onnx"}],
        exclude_if=left_out,
    )
    pipeline: Pipeline | None = Field(
        default=None,
        description="Instead of weights: other models that answer as one (docs/how-to/pipelines.md).",
        examples=[{"stages": [{"model": "detect"}, {"model": "digits"}]}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    custom: Custom | None = Field(
        default=None,
        description="An image that brings its own server (docs/how-to/custom-runtime.md).",
        examples=[{"build": {"context": "models/reader"}, "port": 9000}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    server: Server | None = Field(
        default=None,
        description="A server of others: its image, and what it is told (docs/how-to/servers-of-others.md).",
        examples=[{"arguments": ["--log-verbose=1"]}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    llama: Language | None = Field(
        default=None,
        description="How a language model is served; beside runtime: llama only.",
        examples=[{"context": 4096, "slots": 2}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    env: Variables = Field(
        default_factory=dict,
        description="Environment variables of an image with its own server: text in clear, or a key of a Secret.",
        examples=[{"LANG": "C.UTF-8", "TOKEN": {"secret": "hf-token", "key": "token"}}],
        exclude_if=empty,
        json_schema_extra={"maxProperties": VARIABLES_MOST, "since": "0.2"},
    )
    egress: tuple[Egress, ...] = Field(
        default=(),
        description="What an image with its own server may connect to; nothing when left out.",
        examples=[[{"host": "db.internal", "port": 5432}]],
        exclude_if=empty,
        json_schema_extra={"maxItems": EGRESS_MOST, "since": "0.2"},
    )
    optimize: tuple[Step, ...] = Field(
        default=(),
        description=(
            "What is made of the weights, step by step, by `slipway lock` (docs/how-to/optimise-and-lock.md). They are "
            "served as they are when left out."
        ),
        examples=[[{"quantize": "int8-dynamic"}]],
        exclude_if=empty,
        json_schema_extra={"maxItems": STEPS_MOST, "since": "0.2"},
    )
    accept: Accept | None = Field(
        default=None,
        description="How well the model has to answer a data set after the steps; `slipway lock` measures it.",
        examples=[{"dataset": "models/digits/test.npz", "metric": "accuracy", "max_drop": 0.01}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    input: Input | None = Field(
        default=None,
        description=(
            "How pictures, texts or bodies of one's own become the model's inputs "
            "(docs/how-to/before-and-after-the-model.md)."
        ),
        examples=[{"image": {"resize": [224, 224]}}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    output: Output | None = Field(
        default=None,
        description="What answers say as `predictions` beside the model's outputs.",
        examples=[{"labels": "models/pets/labels.txt", "top_k": 3}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    runtime: RuntimeName = Field(description="What runs the model.", examples=["onnxruntime"])
    resources: Resources = Field(description="What one replica gets.", examples=[{"cpu": "500m", "memory": "512Mi"}])
    scale: Scale = Field(default=Scale(), description="How many replicas there are; one when left out.")
    rollout: RolloutRules = Field(
        default=RolloutRules(),
        description="How an update may affect those who use the model.",
        exclude_if=lambda value: value == RolloutRules(),
    )
    spot: Literal["avoided", "allowed"] = Field(
        default="avoided",
        description=(
            "Whether replicas may run on spot nodes, which can be reclaimed. `avoided`: only where no other pool "
            "fits; `allowed`: where they cost least."
        ),
        examples=["allowed"],
        exclude_if=lambda value: value == "avoided",
    )
    tolerates: Tolerations = Field(
        default=(),
        description="Keys of taints of node pools on AWS that the model may run on all the same.",
        examples=[["example.com/reserved"]],
        exclude_if=empty,
        json_schema_extra={"maxItems": TOLERATIONS_MOST, "since": "0.2"},
    )
    data: DataResidency | None = Field(
        default=None,
        description="Where the model's data has to stay, and so its pods; anywhere when left out.",
        examples=[{"region": "eu-central-1"}],
        exclude_if=left_out,
    )
    endpoint: Endpoint = Field(default=Endpoint(), description="Limits of a request.")
    batching: Batching = Field(
        default=Batching(),
        description="How the rows of several requests share a run of the model (docs/explanation/batching.md).",
        exclude_if=lambda value: value == Batching(),
    )
    check: Check = Field(
        description="The golden request and its right answer.",
        examples=[{"request": "models/digits/check.json", "expect": {"label": 7}}],
    )
    slo: Slo | None = Field(
        default=None,
        description="What is promised to those who use the model; alerts tell when it is broken (docs/how-to/slo.md). "
        "Nothing when left out.",
        examples=[{"availability": 99.9, "p95_ms": 100, "window": "30d"}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    quality: Quality | None = Field(
        default=None,
        description="What is kept of answers, and measured by feedback on them (docs/how-to/feedback.md). Nothing when "
        "left out.",
        examples=[{"task": "classification", "output": "label", "labels_within": "7d"}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    drift: Drift | None = Field(
        default=None,
        description="What is counted of inputs and outputs, to tell when they are no longer what they were "
        "(docs/how-to/drift.md). Nothing when left out.",
        examples=[{"share": 0.3, "window": "6h"}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    adapt: Adapt | None = Field(
        default=None,
        description="What `slipway adapt` does once an alert about drift or quality fires (docs/how-to/adapt.md). "
        "Nothing when left out.",
        examples=[{"when": ["quality"], "do": "rollback", "cooldown": "1d"}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    capture: Capture | None = Field(
        default=None,
        description="Which samples of requests and answers are kept (docs/how-to/samples.md). None when left out.",
        examples=[{"share": "1%", "keep": "30d", "redact": ["image"]}],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    exceptions: dict[ExceptableRule, Reason] = Field(
        default_factory=dict,
        description=(
            f"Policy rules that the model is exempted from, each with the reason in {REASON_LEAST} characters or more."
        ),
        examples=[{"spot-floor": "A batch job asks, and asks again tomorrow"}],
        exclude_if=empty,
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

    @property
    def needs_lock(self) -> bool:
        """Whether what serves is known by a lock only: the bytes, how good they are, or what the model takes."""
        if self.artifact is None or self.runtime == LLAMA:
            return False
        if RUNTIMES[self.runtime].signature_in_lock:
            return True
        return bool(self.optimize) or self.accept is not None or self.artifact.format not in (None, ONNX)

    @property
    def own_server(self) -> OwnServer | None:
        """The server that the model has, where that is not Slipway's."""
        return own_server(self)

    @property
    def computes_on_gpu(self) -> bool:
        """Whether the model computes on GPUs: its runtime can, and it asks for them."""
        return self.resources.gpu is not None and "gpu" in RUNTIMES[self.runtime].accelerators

    @property
    def language(self) -> Language:
        """How the model is served if it is a language model."""
        return self.llama or Language()

    @property
    def weights(self) -> ArtifactSource:
        """Where the trained weights are; raises `LookupError` for a model that has none."""
        if self.artifact is None:
            raise LookupError(f"{self.name} has no weights")
        return self.artifact

    @model_validator(mode="after")
    def _everything_goes_together(self) -> Self:
        refuse_misfits(self)
        return self
