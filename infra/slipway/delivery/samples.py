"""Hold where samples of one model go in one environment."""

from dataclasses import dataclass
from typing import Any

from slipway.delivery.ways import address
from slipway.environments.planning.model_store import ModelStore
from slipway.spec.capture import KEEPS, Capture


@dataclass(frozen=True, slots=True)
class Samples:
    """What is kept of a model's requests, and where.

    Attributes:
        store: that they go to.
        prefix: what the keys of their objects begin with.
        written: what the spec says.
    """

    store: ModelStore
    prefix: str
    written: Capture

    def section(self, folder: str) -> dict[str, Any]:
        """What the model server is told; `folder`: where its keys are in the pod."""
        return {
            "share": self.written.share,
            "sample": self.written.section(),
            "store": address(self.store) | {"prefix": self.prefix},
            "folder": folder,
        }


def is_place(store: ModelStore | None, model: str, section: Any) -> bool:
    """Whether what a model server is told of samples has them go where the store takes those of this model."""
    if store is None or store.samples is None or not isinstance(section, dict):
        return False
    places = [address(store) | {"prefix": prefix_of(store.samples, keep, model)} for keep in KEEPS]
    return section.get("store") in places


def prefix_of(samples: str, keep: str, model: str) -> str:
    """What keys of a model's samples begin with that are kept for so long; `samples`: the store's own."""
    return f"{samples}/{keep}/{model}"


def samples_of(model: str, written: Capture | None, store: ModelStore | None) -> Samples | None:
    """Where samples of a model go; None where it keeps none."""
    if written is None or store is None or store.samples is None:
        return None
    return Samples(store, prefix_of(store.samples, written.keep, model), written)
