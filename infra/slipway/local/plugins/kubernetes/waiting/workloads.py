"""Judge what makes pods: Deployment, StatefulSet, DaemonSet, ReplicationController, Job.

A pod in trouble ends no wait, be it for an image that nobody has or a program that crashes again and again: as the real
plugin, these wait until their time is up. A Job alone is told to have failed, by its controller.
"""

from slipway.local.plugins.kubernetes.waiting import pods
from slipway.local.plugins.kubernetes.waiting.verdict import (
    Failed,
    Manifest,
    Ready,
    Related,
    Verdict,
    Waiting,
    condition,
    holds,
    name,
    owned,
)

_REVISION = "deployment.kubernetes.io/revision"


def deployment(manifest: Manifest, related: Related) -> Verdict:
    """Whether the ReplicaSet of the newest template has all its pods ready, and the controller says the same."""
    if not _observed(manifest):
        return Waiting("the deployment controller takes up the change")
    revision = _revision(manifest)
    replica_set = next((item for item in related.replica_sets if revision and _revision(item) == revision), None)
    if replica_set is None:
        return Waiting(f"the deployment controller makes a ReplicaSet{_refused(manifest)}")
    wanted = (replica_set.get("spec") or {}).get("replicas", 1)
    ready = (replica_set.get("status") or {}).get("readyReplicas", 0)
    progressing = condition(manifest, "Progressing")
    rolled_out = progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
    newest = [pod for pod in related.pods if owned(pod, replica_set)]
    if ready < wanted or not holds(manifest, "Available") or not (rolled_out or revision == "1"):
        told = f"{ready} of {wanted} replicas ready{_refused(manifest)}{pods.troubles(newest)}"
        stuck = f"[{progressing.get('reason')}] {progressing.get('message', '')}; "
        return Waiting((stuck if progressing.get("status") == "False" else "") + told)
    unbound = [name(item) for item in related.claims if (item.get("status") or {}).get("phase") != "Bound"]
    used = unbound and _claims(manifest).intersection(unbound)
    return Waiting(f"volumes are bound to the claims {', '.join(sorted(used))}") if used else Ready()


def _revision(manifest: Manifest) -> str:
    return str((manifest.get("metadata", {}).get("annotations") or {}).get(_REVISION, ""))


def _refused(manifest: Manifest) -> str:
    refused = condition(manifest, "ReplicaFailure")
    return f"; pods are refused: {refused.get('message', '')}" if refused.get("status") == "True" else ""


def _claims(manifest: Manifest) -> set[str]:
    template = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    volumes = [volume.get("persistentVolumeClaim") or {} for volume in template.get("volumes") or []]
    return {volume["claimName"] for volume in volumes if "claimName" in volume}


def stateful_set(manifest: Manifest, related: Related) -> Verdict:
    """Whether all replicas are ready and, where the controller replaces them, of the newest template."""
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if not _observed(manifest):
        return Waiting("the stateful set controller takes up the change")
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    complete = status.get("replicas", 0) == wanted == ready
    by_hand = (spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    if not (by_hand and manifest.get("metadata", {}).get("generation", 0) > 1):
        revision = status.get("currentRevision")
        complete &= (
            status.get("currentReplicas", 0) == wanted and bool(revision) and revision == status.get("updateRevision")
        )
    if complete:
        return Ready()
    own = [pod for pod in related.pods if owned(pod, manifest)]
    return Waiting(
        f"{status.get('updatedReplicas', 0)} of {wanted} replicas updated, {ready} ready{pods.troubles(own)}"
    )


def daemon_set(manifest: Manifest, related: Related) -> Verdict:
    """Whether every node that should have a pod has one of the newest template, ready and available."""
    if not _observed(manifest):
        return Waiting("the daemon set controller takes up the change")
    status = manifest.get("status") or {}
    wanted = status.get("desiredNumberScheduled")
    counts = {
        "scheduled": status.get("currentNumberScheduled", 0),
        "updated": status.get("updatedNumberScheduled", 0),
        "available": status.get("numberAvailable", 0),
        "ready": status.get("numberReady", 0),
    }
    if wanted is not None and all(count >= wanted for count in counts.values()):
        return Ready()
    own = [pod for pod in related.pods if owned(pod, manifest)]
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    return Waiting(f"of {wanted or 0} pods {told}{pods.troubles(own)}")


def replication_controller(manifest: Manifest, _: Related) -> Verdict:
    """Whether all replicas are available."""
    wanted = (manifest.get("spec") or {}).get("replicas")
    available = (manifest.get("status") or {}).get("availableReplicas")
    if wanted is not None and available == wanted:
        return Ready()
    return Waiting(f"{available or 0} of {wanted} replicas available")


def job(manifest: Manifest, related: Related) -> Verdict:
    """Whether the job is complete, or its controller gave it up."""
    failed, status = condition(manifest, "Failed"), manifest.get("status") or {}
    if failed.get("status") == "True" and failed.get("reason") in ("BackoffLimitExceeded", "DeadlineExceeded"):
        own = [pod for pod in related.pods if owned(pod, manifest)]
        return Failed(f"the job failed: [{failed['reason']}] {failed.get('message', '')}{pods.troubles(own)}")
    if status.get("startTime") and holds(manifest, "Complete"):
        return Ready()
    return Waiting(
        f"the job succeeds ({status.get('active', 0)} pods active, {status.get('succeeded', 0)} succeeded, "
        f"{status.get('failed', 0)} failed)"
    )


def _observed(manifest: Manifest) -> bool:
    observed = (manifest.get("status") or {}).get("observedGeneration", 0)
    return bool(observed >= manifest.get("metadata", {}).get("generation", 0))
