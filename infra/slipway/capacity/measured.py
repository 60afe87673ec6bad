"""Hold how long a replica's start really took, part by part, and what that says of the next one beside the estimate."""

from dataclasses import asdict, dataclass
from typing import Any

from slipway.capacity.estimates import ColdStart


@dataclass(frozen=True, slots=True)
class MeasuredStart:
    """Seconds that the start of one replica took, the quickest of its release. None: not measured.

    Kubernetes notes whole seconds, so that parts need not add up to the whole; what no part counts is the container's
    being made, and the second in which the kubelet looks whether the server is ready.

    Attributes:
        release: short digest of the release.
        total_s: from the pod's being made to its being ready.
        node_s: until it had a node.
        pull_s: its image; 0 where the node had it.
        load_s: from the server's start until the weights were loaded.
        warm_s: from then until the golden request was answered.
        image_there: whether the node had the image.
    """

    release: str
    total_s: float
    node_s: float | None = None
    pull_s: float | None = None
    load_s: float | None = None
    warm_s: float | None = None
    image_there: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "release": self.release,
            "node": self.node_s,
            "pull": self.pull_s,
            "imageThere": self.image_there,
            "load": self.load_s,
            "warm": self.warm_s,
            "total": self.total_s,
        }


def expected_s(estimate: ColdStart, measured: MeasuredStart | None) -> float:
    """How long the next cold start is expected to take: as the last one, where one was measured.

    Where nodes come and go, a replica that found a node and the image there tells nothing of the next, which may find
    neither: then the estimate of a part counts, if it is more.
    """
    if measured is None:
        return float(estimate.total_s)
    if not estimate.node_s:
        return measured.total_s
    node, pull = measured.node_s or 0.0, measured.pull_s or 0.0
    rest = max(0.0, measured.total_s - node - pull)
    return max(node, estimate.node_s) + max(pull, estimate.image_s + estimate.weights_s) + rest


def as_notes(measured: MeasuredStart) -> dict[str, Any]:
    """What is kept of it, by the names of its attributes."""
    return asdict(measured)
