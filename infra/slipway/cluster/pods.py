"""Describe how far the pods of a release are, in a few words for a person who waits."""

from collections.abc import Sequence
from datetime import datetime

from slipway.values.aliases import Json
from slipway.values.names import RELEASE_LABEL

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


def cold_start_s(pods: Sequence[Json], release: str, most_s: float) -> float | None:
    """Return the seconds that the quickest pod of `release` took, as `quickest` does; None when no pod tells."""
    found = quickest(pods, release, most_s)
    return None if found is None else found[1]


def quickest(pods: Sequence[Json], release: str, most_s: float) -> tuple[Json, float] | None:
    """Return the pod of `release` (short digest) that took least from being made to being ready, and those seconds.

    None when no pod tells. Kubernetes keeps only when a pod became ready last: one that was ready before, or was
    restarted, would tell of something else, and so would more than `most_s`, the limit of a rollout.
    """
    ours = [pod for pod in pods if pod["metadata"].get("labels", {}).get(RELEASE_LABEL) == release]
    took = [(pod, seconds) for pod in ours if (seconds := _became_ready_after(pod)) is not None and seconds <= most_s]
    return min(took, key=lambda one: one[1], default=None)


def _became_ready_after(pod: Json) -> float | None:
    status = pod.get("status", {})
    if any(container.get("restartCount") for container in status.get("containerStatuses", [])):
        return None
    since = {c["type"]: c.get("lastTransitionTime") for c in status.get("conditions", []) if c["status"] == "True"}
    if not since.get("Ready"):
        return None
    created = pod["metadata"].get("creationTimestamp")
    return None if created is None else (_time(since["Ready"]) - _time(created)).total_seconds()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
