"""Contains what a lock file holds. Nothing in it depends on when, where or how fast it was made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from slipway_server.values.signature import Signature, Tensor

from slipway.artifacts.onnx import ArtifactFile, Found
from slipway.spec.artifact.optimize import Step
from slipway.spec.artifact.source import NameBeside
from slipway.values.section import Section

FORMAT = 1
"""The newest format of lock files that this Slipway reads."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Size = Annotated[int, Field(ge=0, strict=True)]
Metrics = dict[Name, float]


def _left_out(value: Any) -> bool:
    return not value


class LockedSource(Section):
    """The trained weights. `at`: as the spec names them; `size`: bytes of all their files together."""

    at: Name
    format: Name
    sha256: Digest
    size: Size


class LockedStep(Section):
    """A step that ran: as the spec has it, what ran it, what it used, and the digest of what came out."""

    step: Step
    tools: dict[Name, str]
    settings: dict[Name, Any]
    deterministic: bool
    sha256: Digest


class LockedTensor(Section):
    """An input or output, as `slipway_server.values.signature.Tensor`.

    `symbols`: names of the dimensions of any size, where they have names. `optional`: an input that may be left out.
    """

    name: Name
    dtype: Name
    shape: tuple[int | None, ...]
    symbols: tuple[str | None, ...] = Field(default=(), exclude_if=_left_out)
    optional: bool = Field(default=False, exclude_if=_left_out)

    @classmethod
    def of(cls, tensor: Tensor) -> "LockedTensor":
        """The same, to be written."""
        return cls(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=tensor.shape,
            symbols=tensor.symbols,
            optional=tensor.optional,
        )

    def tensor(self) -> Tensor:
        """The same, to be served."""
        return Tensor(self.name, self.dtype, self.shape, self.optional, self.symbols)


class LockedSignature(Section):
    """What the model takes and gives."""

    inputs: tuple[LockedTensor, ...]
    outputs: tuple[LockedTensor, ...]
    metadata: dict[str, str]

    @classmethod
    def of(cls, signature: Signature) -> "LockedSignature":
        """The same, to be written; metadata in the order of their names."""
        return cls(
            inputs=tuple(map(LockedTensor.of, signature.inputs)),
            outputs=tuple(map(LockedTensor.of, signature.outputs)),
            metadata=dict(sorted(signature.metadata.items())),
        )

    def signature(self) -> Signature:
        """The same, to be served."""
        inputs = tuple(tensor.tensor() for tensor in self.inputs)
        return Signature(inputs, tuple(tensor.tensor() for tensor in self.outputs), self.metadata)


class LockedFile(Section):
    """A file of what serves: its name beside the main one, bytes, sha256."""

    name: NameBeside
    size: Size
    sha256: Digest


class LockedVariant(Section):
    """What serves on one kind of machine; the main file is the first. Metrics are rounded to what the rows show."""

    architecture: Name
    accelerator: Name
    format: Name
    files: tuple[LockedFile, ...] = Field(min_length=1)
    metrics: Metrics

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


class Lock(Section):
    """A model's lock.

    Attributes:
        lock: the format.
        model: the model's name.
        spec: digest of what decides in the spec, see `slipway.lockfile.digests`.
        files: sha256 of every file of the repository that was read, by its path.
        source: the trained weights.
        steps: in the order of the spec.
        signature: of what serves.
        architecture: of the first ONNX file on the way, before it was optimised (`slipway.onnx_file.architecture`).
        random: names of its operators whose output differs each time.
        variants: what serves where.
        reference: profile of inputs and outputs on the data set of `accept`; empty without one.
    """

    lock: Literal[1] = 1
    model: Name
    spec: Digest
    files: dict[Name, Digest]
    source: LockedSource
    steps: tuple[LockedStep, ...] = ()
    signature: LockedSignature
    architecture: Digest | None = None
    random: tuple[Name, ...] = Field(default=(), exclude_if=_left_out)
    variants: tuple[LockedVariant, ...] = Field(min_length=1)
    reference: dict[str, Any] = Field(default_factory=dict, exclude_if=_left_out)

    @property
    def served(self) -> LockedVariant:
        """The variant that serves. There is one kind of machine so far: CPUs, of any architecture."""
        return self.variants[0]

    def found(self, place: Callable[[str], Path]) -> Found:
        """What serves, as weights that nobody has read; `place`: where the file with a digest is or would be."""
        files = [ArtifactFile(file.name, place(file.sha256), file.size, file.sha256) for file in self.served.files]
        external: Mapping[str, tuple[Path, int]] = {file.name: (file.path, file.size) for file in files[1:]}
        known = {file.name: file.sha256 for file in files[1:]}
        signature = self.signature.signature()
        return Found(files[0], external, self.served.size, signature, self.random, self.architecture, known)
