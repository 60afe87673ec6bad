"""Describe what a version of a model has in it, as far as its number promises something about it."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from slipway.artifacts.onnx import Artifact, Graph
from slipway.sources.address import LIMIT

_PARTS_MOST = 1000
_DIMENSIONS_MOST = 100

_DIGEST = re.compile(r"[0-9a-f]{64}")
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=1000)]


class _Part(BaseModel):
    """Read without belief, since others may write where it lies; a later Slipway may have written more fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Port(_Part):
    """One input or output. `shape`: None for a dimension of any size; `optional`: an input that may be left out."""

    name: Text
    dtype: Text
    shape: Annotated[tuple[int | None, ...], Field(max_length=_DIMENSIONS_MOST, strict=False)]
    optional: bool = False

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.name} {self.dtype}[{sizes}]{', optional' if self.optional else ''}"


class Signature(_Part):
    """What a model takes and gives."""

    inputs: Annotated[tuple[Port, ...], Field(max_length=_PARTS_MOST, strict=False)]
    outputs: Annotated[tuple[Port, ...], Field(max_length=_PARTS_MOST, strict=False)]


class Contents(_Part):
    """What a version has in it.

    Attributes:
        weights: digest of the weights that are served.
        architecture: of the model before it was optimised, see `slipway.onnx_file.architecture`; None: not known.
        signature: None: not known.
        metrics: by name, as the gate measured them; empty for a model without a gate.
        source: the address of the trained weights; None for a file of the repository.
    """

    weights: Digest
    architecture: Digest | None = None
    signature: Signature | None = None
    metrics: Annotated[dict[str, float], Field(max_length=100)] = {}
    source: Annotated[str, StringConstraints(max_length=LIMIT)] | None = None


def contents_of(artifact: Artifact, metrics: Mapping[str, float] | None = None) -> Contents:
    """What a model has in it that is served; `metrics`: as its lock has them, if it has one."""
    return contents(artifact.sha256, artifact).model_copy(update={"metrics": dict(metrics or {})})


def contents(weights: str, found: Artifact | Graph) -> Contents:
    """What a model has in it, by the digest of its weights and by what its ONNX file says."""
    signature = found.signature
    inputs, outputs = (
        tuple(Port(name=one.name, dtype=one.dtype, shape=one.shape, optional=one.optional) for one in side)
        for side in (signature.inputs, signature.outputs)
    )
    return Contents(
        weights=weights,
        architecture=found.architecture,
        signature=Signature(inputs=inputs, outputs=outputs),
    )


def is_digest(text: str) -> bool:
    """Whether a text is a sha256 in hex."""
    return _DIGEST.fullmatch(text) is not None
