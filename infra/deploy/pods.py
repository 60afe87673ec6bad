"""Tell how far the pods of a release are: one word a person can wait with."""

from collections.abc import Sequence

from infra.cluster import Json
from infra.names import RELEASE_LABEL

STAGES = ("waiting for its pods", "waiting for a node", "pulling the image", "loading the model", "ready")


def stage(pods: Sequence[Json], release: str) -> str:
    """Return what the pods of `release` (short digest) wait for: that of the one which is furthest behind.

    With more than one pod, how many are ready stands behind it.
    """
    ours = [pod for pod in pods if pod["metadata"]["labels"].get(RELEASE_LABEL) == release]
    if not ours:
        return STAGES[0]
    steps = [_step(pod) for pod in ours]
    behind = min(steps)
    ready = sum(step == len(STAGES) - 1 for step in steps)
    return STAGES[behind] if len(ours) == 1 else f"{STAGES[behind]} ({ready} of {len(ours)} ready)"


def _step(pod: Json) -> int:
    """Return the index in STAGES of one pod."""
    status = pod.get("status", {})
    conditions = {c["type"]: c["status"] == "True" for c in status.get("conditions", [])}
    if conditions.get("Ready"):
        return 4
    if not conditions.get("PodScheduled"):
        return 1
    running = any("running" in c.get("state", {}) for c in status.get("containerStatuses", []))
    return 3 if running else 2
