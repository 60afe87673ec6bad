"""Read the server's configuration file, which the image or the ConfigMap carries."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from slipway_server.values.capture import CaptureSection
from slipway_server.values.drift import DriftSection
from slipway_server.values.language import LanguageSection
from slipway_server.values.pipeline import PipelineSection
from slipway_server.values.section import Section
from slipway_server.values.signature import DATATYPES, Signature, Tensor
from slipway_server.values.steps import InputSection, OutputSection, QualitySection

VARIABLE = "SLIPWAY_CONFIG"

Backend = Literal["onnxruntime", "litert", "sklearn", "tensorflow", "torch"]
"""What computes a model: a library that the image has."""
Accelerator = Literal["cpu", "gpu"]
"""What it computes on."""
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0, le=2**31)]


def _network(text: str) -> str:
    ip_network(text)  # a ValueError of it says what is wrong
    return text


Network = Annotated[str, AfterValidator(_network)]


def _datatype(text: str) -> str:
    if text not in DATATYPES:
        raise ValueError(f"is no datatype; allowed: {', '.join(DATATYPES)}")
    return text


class ConfigError(Exception):
    """The configuration cannot be used; the message says which field and what is allowed."""


class TensorSection(Section):
    """One input or output of a model whose file does not say it: a dimension of any size is null."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    datatype: Annotated[str, AfterValidator(_datatype)]
    shape: list[Annotated[int, Field(ge=0)] | None]

    @property
    def tensor(self) -> Tensor:
        """That as the server knows it."""
        return Tensor(self.name, self.datatype, tuple(self.shape))


class SignatureSection(Section):
    """All inputs and outputs of such a model, in its order."""

    inputs: Annotated[list[TensorSection], Field(min_length=1)]
    outputs: Annotated[list[TensorSection], Field(min_length=1)]

    @property
    def signature(self) -> Signature:
        """That as the server knows it."""
        return Signature(
            tuple(entry.tensor for entry in self.inputs), tuple(entry.tensor for entry in self.outputs), {}
        )


class ModelSection(Section):
    """Which model is served: its name and version in URLs and answers, and its file; a pipeline has none.

    `backend`: what computes it.
    `accelerator`: what it computes on, or nothing is served.
    `gpu_memory_bytes`: memory of the GPU that its tensors may take; all of it when left out.
    `signature`: of models other than ONNX, whose files do not say all of it.
    """

    name: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(min_length=1)]
    path: Annotated[str, Field(min_length=1)] | None = None
    backend: Backend = "onnxruntime"
    accelerator: Accelerator = "cpu"
    gpu_memory_bytes: Annotated[int, Field(gt=0, le=2**50)] | None = None
    signature: SignatureSection | None = None

    @property
    def declared(self) -> Signature | None:
        """That of the configuration, with the backend."""
        return replace(self.signature.signature, backend=self.backend) if self.signature is not None else None


class BatchSection(Section):
    """Dynamic batching: rows of a batch at most, and how long the first of them waits for others at most.

    `enabled`: false, and every request runs alone; true, and trials that can show nothing do not count; left out,
    and trials at start decide.
    """

    enabled: bool | None = None
    max_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    max_wait_ms: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] = 2.0


class CheckSection(Section):
    """The golden request: a body of POST /predict, what must come out of it, and how soon."""

    request: Any
    expect: dict[str, Any]
    timeout_s: Timeout


class GateSection(Section):
    """The server takes calls from a gateway only: `public_key` is the PEM file of the key that checks its passes."""

    public_key: Annotated[str, Field(min_length=1)]


class GrpcSection(Section):
    """The protocol is spoken over gRPC as well, on a port of its own."""

    port: Annotated[int, Field(ge=1, le=65_535)] = 8081


class TracesSection(Section):
    """Requests are traced: `endpoint` is the URL that takes OTLP over HTTP.

    `share`: of the requests that no caller has decided about.
    """

    endpoint: Annotated[str, Field(pattern=r"^http://[^@?#]+$")]
    share: Annotated[float, Field(ge=0, le=1)]


class ServerConfig(Section):
    """Everything that the server is told.

    `drain_s`: after SIGTERM it goes on serving until no request has come for so long: until load balancers have learned
    that it is going away.
    `linger_s`: at most how much longer than `drain_s` that may take while requests still come.
    `memory_bytes`: what the process may take; the pod's limit (its cgroup's), or the machine's memory, when left out.
    `trusted_proxies`: networks (CIDRs) whose addresses stand for many clients, so that none of them is held to one
    client's share of the memory.
    `pipeline`: models that are asked, instead of a file.
    `cpu_features`: what the CPU must be able to do, or the server refuses to start.
    `gate`: left out, and whoever reaches the server may call it.
    `grpc`: left out, and HTTP is all that is spoken.
    `traces`: left out, and no request is traced.
    `language`: the file is a language model's, in GGUF, and OpenAI's API is spoken.
    `input`, `output`: what comes before and after the model; left out, bodies are its tensors and so are answers.
    `quality`: what answers say of themselves for whoever measures them; left out, nothing.
    `drift`: what is counted of inputs and outputs; left out, nothing.
    `capture`: which share of requests and answers is kept, and where; left out, none.
    """

    model: ModelSection
    release: str
    host: str = "0.0.0.0"  # noqa: S104 - inside a pod; its NetworkPolicy decides who may connect
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    max_body_bytes: Bytes = 10 * 1024 * 1024
    memory_bytes: Annotated[int, Field(gt=0, le=2**50)] | None = None
    trusted_proxies: list[Network] = Field(default_factory=list)
    timeout_s: Timeout = 30.0
    drain_s: Seconds = 5.0
    linger_s: Seconds = 0.0
    batch: BatchSection = BatchSection()
    cpu_features: list[Literal["avx2", "avx512", "vnni", "amx"]] = Field(default_factory=list)
    gate: GateSection | None = None
    grpc: GrpcSection | None = None
    traces: TracesSection | None = None
    input: InputSection | None = None
    output: OutputSection | None = None
    quality: QualitySection | None = None
    drift: DriftSection | None = None
    capture: CaptureSection | None = None
    check: CheckSection
    pipeline: PipelineSection | None = None
    language: LanguageSection | None = None

    @model_validator(mode="after")
    def _serves_one_thing(self) -> "ServerConfig":
        if (self.model.path is None) == (self.pipeline is None):
            raise ValueError("exactly one of model.path and pipeline is needed")
        return self


def load_config(environ: Mapping[str, str] = os.environ) -> ServerConfig:
    """Return the configuration in the file that SLIPWAY_CONFIG names.

    Raises:
        ConfigError: the variable is missing, the file cannot be read, is not JSON or does not fit.
    """
    name = environ.get(VARIABLE)
    if not name:
        raise ConfigError(f"environment variable {VARIABLE} is not set; allowed: the path of a JSON file")
    try:
        document = json.loads(Path(name).read_bytes())
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{name}: is not JSON: {error}") from None
    try:
        return ServerConfig.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}, got {str(e['input'])[:60]!r}"
            for e in error.errors()
        )
        raise ConfigError(f"{name}: {problems}") from None
