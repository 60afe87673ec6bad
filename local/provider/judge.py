"""Judge any object: live, not yet, or failed with a reason. A pure function of what was seen."""

from collections.abc import Callable
from dataclasses import dataclass

from . import others, workloads
from .kinds import of
from .verdict import Manifest, Ready, Related, Verdict

Rule = Callable[[Manifest, Related], Verdict]


@dataclass(frozen=True, slots=True)
class Await:
    """How one kind is judged, what around it must be watched for that, and how long by default (seconds)."""

    rule: Rule
    watches: tuple[str, ...] = ()
    limit_s: float = 600.0


_AWAITS: dict[tuple[str, str], Await] = {
    ("apps", "Deployment"): Await(workloads.deployment, ("pods", "replica_sets")),
    ("apps", "StatefulSet"): Await(workloads.stateful_set, ("pods",)),
    ("apps", "DaemonSet"): Await(workloads.daemon_set, ("pods",)),
    ("apps", "ReplicaSet"): Await(workloads.replica_set, ("pods",)),
    ("batch", "Job"): Await(workloads.job, ("pods",)),
    ("", "Pod"): Await(others.pod, limit_s=300.0),
    ("", "Service"): Await(others.service, ("pods", "slices")),
    ("", "PersistentVolumeClaim"): Await(others.volume_claim, ("events",), limit_s=300.0),
    ("", "PersistentVolume"): Await(others.volume, limit_s=300.0),
    ("", "Namespace"): Await(others.namespace, limit_s=300.0),
    ("", "Secret"): Await(others.token_secret, limit_s=60.0),
    ("networking.k8s.io", "Ingress"): Await(others.ingress),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Await(others.definition, limit_s=60.0),
}


def how(manifest: Manifest) -> Await | None:
    """How the object's kind is awaited; None for kinds that are live once they are stored."""
    kind = of(manifest)
    return _AWAITS.get((kind.group, kind.kind))


def judge(manifest: Manifest, related: Related) -> Verdict:
    """The verdict on an object, given what is known around it."""
    awaited = how(manifest)
    return awaited.rule(manifest, related) if awaited else Ready()
