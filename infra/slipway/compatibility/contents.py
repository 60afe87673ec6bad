"""Describe what a version of a model has in it, as far as its number promises something about it."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from slipway_server.values.signature import Signature as ServedSignature

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


def contents_of(
    weights: str, signature: ServedSignature, architecture: str | None, metrics: Mapping[str, float] | None = None
) -> Contents:
    """What a model has in it, by the digest of its weights and by what is known of them."""
    inputs, outputs = (
        tuple(Port(name=one.name, dtype=one.dtype, shape=one.shape) for one in side)
        for side in (signature.inputs, signature.outputs)
    )
    return Contents(
        weights=weights,
        architecture=architecture,
        signature=Signature(inputs=inputs, outputs=outputs),
        metrics=dict(metrics or {}),
    )


def is_digest(text: str) -> bool:
    """Whether a text is a sha256 in hex."""
    return _DIGEST.fullmatch(text) is not None
