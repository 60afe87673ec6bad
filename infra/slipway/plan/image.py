"""Contain what images are made of: of a model, and below it; or of one that brings its own server."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.artifacts.around import CONTEXT_FOLDER
from slipway.dockerfile.context import ContextFile


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file or folder of the build context: its path there, its path in the image, and where it comes from.

    `digests`: sha256, in hex, of each file by its path in the folder; of a file, its own under the empty text.
    `text`: of a file that Slipway renders, its content; nothing is read from `source` then.
    """

    context_path: str
    image_path: str
    source: Path
    digests: Mapping[str, str]
    text: str | None = None


@dataclass(frozen=True, slots=True)
class RuntimeImagePlan:
    """The image below every model's: the base with the server's locked dependencies. Built once, not per model.

    Attributes:
        repository: with the registry, without tag.
        tag: first 16 hex digits over base image and requirements.
        base_image: as the settings name it.
        architecture: `amd64` or `arm64`.
        requirements: file of the locked requirements, with hashes.
        requirements_digest: sha256 of that file.
        platform: that the wheels are chosen for, as uv names it; None: that of all images.
    """

    repository: str
    tag: str
    base_image: str
    architecture: str
    requirements: Path
    requirements_digest: str
    platform: str | None = None

    @property
    def reference(self) -> str:
        """Repository and tag."""
        return f"{self.repository}:{self.tag}"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"base": self.base_image, "runtime": self.reference}


@dataclass(frozen=True, slots=True)
class OwnImagePlan:
    """What an image is made from that brings its own server.

    Attributes:
        source: the image of others, by digest; None where it is built from a folder.
        dockerfile: what is built; None where the image is copied as it is.
        context: files that it is built from, by path, but for the weights.
        args: build arguments.
        network: whether what the Dockerfile runs may use the network.
        architecture: `amd64` or `arm64`.
    """

    source: str | None
    dockerfile: str | None
    context: Mapping[str, ContextFile]
    args: Mapping[str, str]
    network: bool
    architecture: str

    @property
    def made_of(self) -> list[Any]:
        """All that goes in beside the weights, as JSON values. An image of others is known by its digest alone."""
        files = [[name, file.sha256, file.executable] for name, file in sorted(self.context.items())]
        source = None if self.source is None else self.source.partition("@")[2]
        written = [
            line for line in (self.dockerfile or "").splitlines() if not line.startswith("FROM ") or source is None
        ]
        return [source, written, files, dict(self.args), self.network, self.architecture]

    def line(self) -> str:
        """Where the image comes from, for people."""
        if self.source is None:
            return f"its image is built from {len(self.context)} files, and has its own server"
        return (
            f"its image is {'copied' if self.dockerfile is None else 'made'} from {self.source}, and has its own server"
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        if self.source is not None:
            return {"source": self.source}
        return {"contextFiles": len(self.context), "args": dict(self.args), "network": self.network}


@dataclass(frozen=True, slots=True)
class Wheels:
    """Locked wheels in an image beside its files. `requirements`: their file, with hashes; `digest`: its sha256."""

    context_path: str
    image_path: str
    requirements: Path
    digest: str


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """An image: what it is made of, and the name that says so.

    Attributes:
        repository: with the registry, without tag.
        tag: first 16 hex digits of `inputs_digest`.
        below: the image that it stands on, or what it is made from if it brings its own server.
        files: the weights, or what fetches them; what the steps before and after the model read; the server's code.
        inputs_digest: sha256 over all that goes in; the same digest is the same image.
        copied_from: the image of another environment, by digest, that is copied and never made; None: it is made.
        wheels: of what fetches weights or stores samples; None where it does neither.
        traces: of what makes spans of requests; None where none are traced.
        capturing: whether its server stores samples.
    """

    repository: str
    tag: str
    below: RuntimeImagePlan | OwnImagePlan
    files: tuple[ImageFile, ...]
    inputs_digest: str
    copied_from: str | None = None
    wheels: Wheels | None = None
    traces: Wheels | None = None
    capturing: bool = False

    @property
    def own_wheels(self) -> tuple[Wheels, ...]:
        """Those beside the image that it stands on, in the order in which they are copied."""
        return tuple(one for one in (self.wheels, self.traces) if one is not None)

    @property
    def reference(self) -> str:
        """Repository and tag."""
        return f"{self.repository}:{self.tag}"

    @property
    def runtime(self) -> RuntimeImagePlan:
        """The image that it stands on; raises `LookupError` for one that brings its own server."""
        if isinstance(self.below, OwnImagePlan):
            raise LookupError(f"{self.reference} brings its own server and stands on no runtime image")
        return self.below

    @property
    def own(self) -> OwnImagePlan | None:
        """What it is made from if it brings its own server."""
        return self.below if isinstance(self.below, OwnImagePlan) else None

    @property
    def has_weights(self) -> bool:
        """Whether the weights are among them."""
        return any(file.context_path.startswith("model/") for file in self.files)

    @property
    def has_steps(self) -> bool:
        """Whether files of what stands before and after the model are among them."""
        return any(file.context_path.startswith(f"{CONTEXT_FOLDER}/") for file in self.files)
