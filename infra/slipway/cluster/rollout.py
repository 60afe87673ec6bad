"""Judge, from what the API server shows, how far the rollout of one release's template has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from slipway.cluster.pod_trouble import Trouble, condition, trouble_of
from slipway.cluster.pods import stage
from slipway.cluster.quotas import QUOTA, refusal
from slipway.values.aliases import Json
from slipway.values.names import OWNER_ANNOTATION, RELEASE_LABEL

REFUSED_S = 8.0
"""A quota or a webhook may refuse the new pod until an old one has gone, so its refusal counts after this time."""
ASLEEP_S = 60.0
"""KEDA asks every two seconds whether somebody waits for a model that sleeps; its operator may just be restarting."""
ASLEEP = "asleep"
REVISION = "deployment.kubernetes.io/revision"
"""The Deployment controller's number of the newest template; it changes with the template and with nothing else."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot of a namespace: what Slipway has in it."""

    deployments: Sequence[Json] = ()
    replica_sets: Sequence[Json] = ()
    pods: Sequence[Json] = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """Every replica runs the template and is available, and none of another is left but those that stop."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Not yet; `text` says what is awaited, `counts` change when something moves."""

    text: str
    counts: tuple[int, ...]
    trouble: Trouble | None = None


State: TypeAlias = Completed | UnderWay


def state_of(seen: Seen, model: str, release: str) -> State:
    """How far the rollout of `release` (its short digest) of a model is."""
    deployment = next((item for item in seen.deployments if item["metadata"]["name"] == model), None)
    if deployment is None:
        return UnderWay("waiting for its Deployment", (), Trouble("deleted", "its Deployment is not there", REFUSED_S))
    template = deployment["spec"]["template"]
    there = template["metadata"].get("labels", {}).get(RELEASE_LABEL, "")
    if there != release:
        text = f"somebody changed its Deployment: the template is of release {there or '(none)'} instead of {release}"
        return UnderWay("waiting for its template", (), Trouble("replaced", text, REFUSED_S))
    status = deployment.get("status") or {}
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return UnderWay("waiting for the deployment controller", ())
    wanted, updated = deployment["spec"].get("replicas", 1), status.get("updatedReplicas", 0)
    available, total = status.get("availableReplicas", 0), status.get("replicas", 0)
    if wanted == 0:  # complete by its numbers, and nothing could be judged
        text = "it has no replica: nobody starts one"
        return UnderWay("waiting for a replica", (0, 0, available, total), Trouble(ASLEEP, text, ASLEEP_S))
    if updated >= wanted and total <= updated and available >= updated:
        return Completed()
    newest = pods_of(seen, deployment)
    serving = sum(condition(pod, "Ready").get("status") == "True" for pod in newest)
    text = stage(newest, release) if serving < wanted else "waiting for the old replicas to stop"
    return UnderWay(text, (updated, serving, available, total), _trouble(deployment, newest))


def pods_of(seen: Seen, deployment: Json) -> list[Json]:
    """The pods of a Deployment's newest template that are there to stay."""
    metadata = deployment["metadata"]
    revision = (metadata.get("annotations") or {}).get(REVISION)
    newest = {
        item["metadata"]["uid"]
        for item in seen.replica_sets
        if _owned(item, {metadata.get("uid")}) and (item["metadata"].get("annotations") or {}).get(REVISION) == revision
    }
    return [pod for pod in seen.pods if _owned(pod, newest) and not _leaves(pod)]


def rolling(seen: Seen, but: str) -> bool:
    """Whether room is about to be freed: a rollout of another model is under way, or a pod leaves."""
    others = [item for item in seen.deployments if item["metadata"]["name"] != but]
    return any(pod["metadata"].get("deletionTimestamp") for pod in seen.pods) or any(_moves(item) for item in others)


def _moves(deployment: Json) -> bool:
    """Whether a rollout is under way and has not been given up by the deployment controller."""
    status = deployment.get("status") or {}
    if condition(deployment, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return False
    wanted, updated = deployment["spec"].get("replicas", 1), status.get("updatedReplicas", 0)
    return bool(updated < wanted or status.get("replicas", 0) > updated)


def _trouble(deployment: Json, newest: Sequence[Json]) -> Trouble | None:
    if deployment["spec"].get("paused"):
        return Trouble("paused", "somebody paused its Deployment: kubectl rollout resume continues it")
    troubles = [trouble for pod in newest if (trouble := trouble_of(pod)) is not None]
    if troubles:
        return min(troubles, key=lambda trouble: (trouble.after_s, trouble.pod))
    refused = condition(deployment, "ReplicaFailure")
    if refused.get("status") == "True":
        message = refused.get("message", "")
        if by_quota := refusal(message, _owner(deployment)):
            return Trouble(QUOTA, by_quota, REFUSED_S)
        return Trouble("refused", f"its pods are refused: {message}", REFUSED_S)
    if condition(deployment, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        limit = deployment["spec"].get("progressDeadlineSeconds", 600)
        pod = next(
            (item["metadata"]["name"] for item in newest if condition(item, "Ready").get("status") != "True"), ""
        )
        return Trouble("deadline", f"no progress for {limit} s", 0.0, pod)
    return None


def _owner(deployment: Json) -> str:
    return str((deployment["metadata"].get("annotations") or {}).get(OWNER_ANNOTATION, ""))


def _owned(item: Json, owners: set[str | None]) -> bool:
    return any(owner.get("uid") in owners for owner in item["metadata"].get("ownerReferences") or [])


def _leaves(pod: Json) -> bool:
    """Whether a pod is being deleted, or was evicted, after which its owner makes another."""
    status = pod.get("status") or {}
    return bool(pod["metadata"].get("deletionTimestamp")) or (status.get("phase") == "Failed" and "reason" in status)
