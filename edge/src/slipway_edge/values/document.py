"""The desired state of one device: a document that the control side signed."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from slipway_edge.values.aggregate import Aggregates
from slipway_edge.values.cpuset import processors
from slipway_edge.values.errors import Refused
from slipway_edge.values.feeding import Sink, Source
from slipway_edge.values.objects import refusal

SIZE_LIMIT = 4 * 2**20
"""Longer documents are refused, bytes: golden requests are in them, weights are not."""
Telemetry = Literal["latency", "errors", "temperature", "memory", "disk", "logs", "feeds"]
ModelTelemetry = Literal["latency", "errors", "feeds"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
_UNSAID = Field(exclude_if=lambda value: value is None)


class Section(BaseModel):
    """A part of the document: frozen, and without keys that this agent does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Check(Section):
    """The golden request: `request` is POSTed to `path` as JSON; `tolerance` holds for bare numbers in `expect`.

    `timeout_s`: an answer that takes longer is none, seconds.
    """

    path: Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=500)]
    request: Any
    expect: Annotated[dict[str, Any], Field(min_length=1)]
    tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-3
    timeout_s: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 10.0


class Health(Section):
    """What a version must hold for `settle_s` seconds to be good: p95 in ms (null: any), a share of errors, 0 to 1."""

    p95_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    errors: Annotated[float, Field(ge=0, le=1)]
    settle_s: Annotated[float, Field(ge=0, le=3600)]


class WeightsFile(Section):
    """A file of the weights.

    `name`: its path below the folder of the weights.
    `bytes`: its size.
    `pieces`: SHA-256 of what `slipway_edge.fetching.pieces` reads, the digests of its pieces; null: it is one piece.
    """

    name: Annotated[str, Field(pattern=r"^[ -~]+$", max_length=500)]
    sha256: Sha256
    bytes: Annotated[int, Field(gt=0, le=2**40)]
    pieces: Sha256 | None

    @model_validator(mode="after")
    def _stays_in_the_folder(self) -> Self:
        if {"", ".", ".."} & set(self.name.split("/")):
            raise ValueError(f"{self.name} is no path below a folder")
        return self


class Weights(Section):
    """Weights that are not in the image: what the container finds in `folder`."""

    folder: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$", max_length=200)]
    files: Annotated[list[WeightsFile], Field(min_length=1, max_length=4096)]

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({one.name for one in self.files}) < len(self.files):
            raise ValueError("a file is there twice")
        return self


class Pull(Section):
    """How much of the link may be used, and when.

    `bytes_per_s`: of weights; null: as the link gives.
    `hours`: times of day in `zone` in which images and weights are pulled, such as 22:00-06:00; empty: all day.
    """

    bytes_per_s: Annotated[int, Field(ge=1024)] | None = None
    hours: Annotated[list[Annotated[str, Field(pattern=rf"^{_TIME}-{_TIME}$")]], Field(max_length=24)] = []
    zone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", max_length=64)] = "UTC"


class Entry(Section):
    """One model in one version.

    `image`: by digest, for this device's platform.
    `port`: where it answers on the device's loopback.
    `memory`: bytes; `cpus`: processors; both are limits.
    `priority`: the higher goes first.
    `config`: of the model server; null: it is in the image.
    `source`, `sink`: where inputs come from and answers go; both or neither.
    `telemetry`: in place of the document's, of this model.
    `cpuset`: processors that it runs on, such as `0-1`; `realtime`: no other model runs on them.
    `deadline_ms`: an input that is older is dropped.
    `aggregates`: answers of the feed that are counted, and told with noise.
    `objects`: of Kubernetes, for a device that has it; a container is started where there are none.

    What is not said is not dumped: entries of before these fields keep their digest.
    """

    model: Name
    version: Annotated[str, Field(min_length=1, max_length=100)]
    release: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    image: Annotated[str, Field(pattern=r"^[^@\s]+@sha256:[0-9a-f]{64}$")]
    weights: Weights | None
    port: Annotated[int, Field(ge=1024, le=65535)]
    check: Check
    memory: Annotated[int, Field(ge=16 * 2**20)]
    cpus: Annotated[float, Field(gt=0, le=1024)]
    priority: int = 0
    config: dict[str, Any] | None = None
    health: Health
    env: dict[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")], str] = {}
    source: Annotated[Source | None, _UNSAID] = None
    sink: Annotated[Sink | None, _UNSAID] = None
    telemetry: Annotated[list[ModelTelemetry] | None, _UNSAID] = None
    cpuset: Annotated[str | None, Field(pattern=r"^[0-9,-]{1,100}$"), _UNSAID] = None
    realtime: Annotated[bool | None, _UNSAID] = None
    deadline_ms: Annotated[int | None, Field(ge=1, le=86_400_000), _UNSAID] = None
    aggregates: Annotated[Aggregates | None, _UNSAID] = None
    objects: Annotated[list[dict[str, Any]] | None, _UNSAID] = None

    @field_validator("objects")
    @classmethod
    def _are_of_few_kinds(cls, objects: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        problem = "" if objects is None else refusal(objects)
        if problem:
            raise ValueError(problem)
        return objects

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.source is None) != (self.sink is None):
            raise ValueError("source and sink: both or neither")
        if self.cpuset is not None and not processors(self.cpuset):
            raise ValueError("cpuset: processors such as 0-1 or 0,2")
        if self.realtime and self.cpuset is None:
            raise ValueError("realtime needs cpuset")
        return self

    @property
    def digest(self) -> str:
        """16 hex digits of all that the entry says: what was judged bad is known by it."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()[:16]


class Document(Section):
    """All that one device is to run.

    `serial` rises with each change; `issued` is for people, since a device's clock may be wrong.
    `interval_s`: seconds between two questions to the control side.
    `signing_keys`: raw public keys in base64 whose documents are taken from now on; empty: those that are pinned.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")]
    fleet: Name
    device: Name
    serial: Annotated[int, Field(ge=1, le=2**53)]
    issued: str
    models: Annotated[list[Entry], Field(max_length=64)]
    telemetry: list[Telemetry]
    interval_s: Annotated[float, Field(ge=1, le=86_400)]
    pull: Pull = Pull()
    signing_keys: Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]], Field(max_length=4)] = []

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [one.model for one in self.models]
        ports = [str(one.port) for one in self.models]
        for what, values in (("model", names), ("port", ports)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise ValueError(f"{what} {', '.join(sorted(twice))} is there twice")
        return self


def parse(payload: bytes) -> Document:
    """Read a document whose signature was verified.

    Raises:
        Refused: it is too long, no JSON, or a field is not as it must be.
    """
    if len(payload) > SIZE_LIMIT:
        raise Refused(f"the document has {len(payload)} bytes; allowed: {SIZE_LIMIT}")
    try:
        return Document.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Refused(f"field {'.'.join(map(str, first['loc'])) or '(all)'}: {first['msg']}") from None


def canonical(value: object) -> bytes:
    """JSON with sorted keys, without spaces, in UTF-8: equal values are equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
