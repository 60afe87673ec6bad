"""Hold how the weights of one model travel in one environment."""

from dataclasses import dataclass
from typing import Any

from slipway.artifacts.onnx import ArtifactFile
from slipway.environments.planning.model_store import ModelStore
from slipway.spec.artifact.delivery import Way
from slipway.values.quantities import compact_json, format_bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """Weights that pods fetch.

    Attributes:
        store: where from.
        files: all of them, the one that the runtime loads first.
        folder: where the model server finds them in its container.
    """

    store: ModelStore
    files: tuple[ArtifactFile, ...]
    folder: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def wanted(self) -> str:
        """What the init container is told, as JSON: `slipway_weights.wanted` reads it."""
        files = [
            {"name": file.name, "key": self.store.key(file.sha256), "size": file.size, "sha256": file.sha256}
            for file in self.files
        ]
        # The kubelet would put variables in the place of $(NAME).
        return compact_json(address(self.store) | {"folder": self.folder, "files": files}).replace("$", "\\u0024")


@dataclass(frozen=True, slots=True)
class Delivery:
    """The way that was chosen.

    Attributes:
        way: see `slipway.spec.artifact.Way`.
        reason: why that one, for people.
        size: bytes of the weights.
        stored: what pods fetch; None where the weights are in the image.
        store: where an earlier release of the model may fetch from; None where the environment has no model store.
    """

    way: Way
    reason: str
    size: int
    stored: Stored | None = None
    store: ModelStore | None = None

    @property
    def worth_saying(self) -> bool:
        """Whether it is anything but what everybody expects of small weights."""
        return self.stored is not None or "written" in self.reason

    def line(self) -> str:
        """For people, without the model's name."""
        where = "are a layer of its image"
        if self.stored is not None:
            who = "device" if self.stored.store.by_agent else "pod"
            where = f"are fetched by each {who} from {self.stored.store}"
        return f"weights of {format_bytes(self.size)} {where} ({self.reason})"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        if self.stored is None:
            return {"way": self.way, "reason": self.reason}
        files = {file.name: self.stored.store.key(file.sha256) for file in self.stored.files}
        return {"way": self.way, "reason": self.reason, "store": str(self.stored.store), "files": files}


def address(store: ModelStore) -> dict[str, Any]:
    """Which bucket a pod reads, as the init container is told."""
    return {"bucket": store.bucket, "region": store.region, "endpoint": store.endpoint}
