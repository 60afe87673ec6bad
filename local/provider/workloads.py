"""Judge what makes pods: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job."""

from collections.abc import Iterable

from . import pods
from .verdict import Failed, Manifest, Ready, Related, Verdict, Waiting, condition, name

REFUSED_S = 8.0
"""A quota or a webhook may refuse the new pod until an old one has gone, so its refusal counts after this time."""
_REVISION = "deployment.kubernetes.io/revision"


def deployment(manifest: Manifest, related: Related) -> Verdict:
    """Whether the rollout of the newest template is complete."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if _stale(manifest):
        return Waiting("the deployment controller takes up the change")
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    available, total = status.get("availableReplicas", 0), status.get("replicas", 0)
    if spec.get("paused") or (updated >= wanted and total <= updated and available >= wanted):
        return Ready()
    newest = _newest(manifest, related)
    stuck = _pods_trouble(newest) or _rollout_trouble(manifest, newest)
    if stuck is not None:
        return stuck
    if updated < wanted:
        return Waiting(_with_pods(f"{updated} of {wanted} replicas updated", newest))
    if available < wanted:
        return Waiting(_with_pods(f"{available} of {wanted} replicas available", newest))
    return Waiting(f"{total - updated} replicas of the previous version stop")


def _rollout_trouble(manifest: Manifest, newest: list[Manifest]) -> Failed | None:
    refused = condition(manifest, "ReplicaFailure")
    if refused.get("status") == "True":
        return Failed(f"pods are refused: {refused.get('message', '')}", "refused", REFUSED_S)
    if condition(manifest, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        spec, available = manifest.get("spec") or {}, (manifest.get("status") or {}).get("availableReplicas", 0)
        text = (
            f"no progress for {spec.get('progressDeadlineSeconds', 600)} s: "
            f"{available} of {spec.get('replicas', 1)} replicas available"
        )
        return Failed(text, "deadline", pod=_unready(newest), evidence="events")
    return None


def stateful_set(manifest: Manifest, related: Related) -> Verdict:
    """Whether all replicas run the newest template (those from the partition on) and are ready."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if _stale(manifest):
        return Waiting("the stateful set controller takes up the change")
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    strategy = spec.get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    must_update = 0 if strategy.get("type") == "OnDelete" else max(0, wanted - partition)
    updated = status.get("updatedReplicas", 0)
    if status.get("currentRevision") == status.get("updateRevision"):
        updated = max(updated, status.get("currentReplicas", 0))
    if updated >= must_update and ready >= wanted and status.get("replicas", 0) == wanted:
        return Ready()
    trouble = _pods_trouble(related.pods)
    return trouble or Waiting(
        _with_pods(f"{min(updated, wanted)} of {must_update} replicas updated, {ready} of {wanted} ready", related.pods)
    )


def daemon_set(manifest: Manifest, related: Related) -> Verdict:
    """Whether every node that should have a pod has one of the newest template, available."""
    status = manifest.get("status") or {}
    if _stale(manifest):
        return Waiting("the daemon set controller takes up the change")
    wanted = status.get("desiredNumberScheduled", 0)
    on_delete = ((manifest.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete"
    updated = wanted if on_delete else status.get("updatedNumberScheduled", 0)
    available = status.get("numberAvailable", 0)
    if updated >= wanted and available >= wanted:
        return Ready()
    trouble = _pods_trouble(related.pods)
    return trouble or Waiting(_with_pods(f"{updated} of {wanted} pods updated, {available} available", related.pods))


def replica_set(manifest: Manifest, related: Related) -> Verdict:
    """Whether all replicas are available."""
    wanted = (manifest.get("spec") or {}).get("replicas", 1)
    available = (manifest.get("status") or {}).get("availableReplicas", 0)
    if not _stale(manifest) and available >= wanted:
        return Ready()
    return _pods_trouble(related.pods) or Waiting(
        _with_pods(f"{available} of {wanted} replicas available", related.pods)
    )


def job(manifest: Manifest, related: Related) -> Verdict:
    """Whether the job is complete. Its back-off limit decides how many crashes are too many, not the rule for pods."""
    if (manifest.get("spec") or {}).get("suspend"):
        return Ready()
    if condition(manifest, "Complete").get("status") == "True":
        return Ready()
    for kind in ("Failed", "FailureTarget"):
        failed = condition(manifest, kind)
        if failed.get("status") == "True":
            last = _last_failed(related.pods)
            return Failed(
                f"the job failed: {failed.get('message') or failed.get('reason', '')}",
                "job", pod=last, container="", evidence="log" if last else "",
            )  # fmt: skip
    trouble = _pods_trouble(related.pods)
    if trouble is not None and not trouble.code.startswith(("crash", "pod")):
        return trouble
    status = manifest.get("status") or {}
    return Waiting(
        f"{status.get('succeeded', 0)} of {(manifest.get('spec') or {}).get('completions') or 1} completions, "
        f"{status.get('active', 0)} pods active, {status.get('failed', 0)} failed"
    )


def _stale(manifest: Manifest) -> bool:
    observed = (manifest.get("status") or {}).get("observedGeneration", 0)
    return bool(observed < manifest.get("metadata", {}).get("generation", 0))


def _newest(manifest: Manifest, related: Related) -> list[Manifest]:
    """The pods of the revision that is being rolled out: a previous one may well be in trouble, which is why it is."""
    revision = (manifest.get("metadata", {}).get("annotations") or {}).get(_REVISION)
    for replica_set_ in related.replica_sets:
        metadata = replica_set_.get("metadata", {})
        if revision and (metadata.get("annotations") or {}).get(_REVISION) == revision:
            return [pod for pod in related.pods if _owned(pod, metadata.get("uid"))]
    return []


def _owned(pod: Manifest, uid: str | None) -> bool:
    return any(owner.get("uid") == uid for owner in pod.get("metadata", {}).get("ownerReferences") or [])


def _pods_trouble(candidates: Iterable[Manifest]) -> Failed | None:
    troubles = [verdict for pod in _living(candidates) if isinstance(verdict := pods.judge(pod), Failed)]
    return min(troubles, key=lambda trouble: (trouble.after_s, trouble.pod), default=None)


def _living(candidates: Iterable[Manifest]) -> list[Manifest]:
    """Without pods that are being deleted, and without evicted ones, which their owner has replaced already."""
    return [
        pod
        for pod in candidates
        if not pod.get("metadata", {}).get("deletionTimestamp")
        and not ((pod.get("status") or {}).get("phase") == "Failed" and (pod["status"].get("reason")))
    ]


def _with_pods(text: str, candidates: Iterable[Manifest]) -> str:
    for pod in _living(candidates):
        verdict = pods.judge(pod)
        if isinstance(verdict, Waiting):
            return f"{text}; {verdict.reason}"
    return text


def _unready(candidates: Iterable[Manifest]) -> str:
    return next((name(pod) for pod in _living(candidates) if not isinstance(pods.judge(pod), Ready)), "")


def _last_failed(candidates: Iterable[Manifest]) -> str:
    failed = [pod for pod in candidates if (pod.get("status") or {}).get("phase") == "Failed"]
    failed.sort(key=lambda pod: pod.get("metadata", {}).get("creationTimestamp") or "")
    return name(failed[-1]) if failed else ""
