"""Judge any object: live, not yet, or failed with a reason. A pure function of what was seen."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway.local.plugins.kubernetes.client.kinds import of
from slipway.local.plugins.kubernetes.waiting import others, workloads
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Related, Verdict

Rule = Callable[[Manifest, Related], Verdict]

DEFAULT_S = 600.0


@dataclass(frozen=True, slots=True)
class Await:
    """How one kind is judged, what around it is watched for that, how long at most (seconds), and whether on refresh.

    `grace_s`: after how long endpoints count as settled though none was ever seen; None: never.
    """

    rule: Rule
    watches: tuple[str, ...] = ()
    longest_s: float = float("inf")
    on_refresh: bool = True
    grace_s: float | None = None


# The kinds, times and conditions of pulumi-kubernetes 4.32, provider/pkg/await. Other kinds (Namespace, ReplicaSet,
# CustomResourceDefinition and all that it does not know) are live once they are stored.
_AWAITS: dict[tuple[str, str], Await] = {
    ("apps", "Deployment"): Await(workloads.deployment, ("pods", "replica_sets", "claims")),
    ("apps", "StatefulSet"): Await(workloads.stateful_set, ("pods",)),
    ("apps", "DaemonSet"): Await(workloads.daemon_set, ("pods",)),
    ("batch", "Job"): Await(workloads.job, ("pods",)),
    ("", "ReplicationController"): Await(workloads.replication_controller, on_refresh=False),
    ("", "Pod"): Await(others.pod),
    ("", "Service"): Await(others.service, ("endpoints",)),
    ("networking.k8s.io", "Ingress"): Await(others.ingress, ("endpoints", "services"), grace_s=60.0),
    ("", "PersistentVolumeClaim"): Await(others.volume_claim, ("events",), 300.0, on_refresh=False),
    ("", "PersistentVolume"): Await(others.volume, (), 300.0, on_refresh=False),
    ("", "ResourceQuota"): Await(others.quota, (), 60.0, on_refresh=False),
    ("", "Secret"): Await(others.token_secret, (), 5.0, on_refresh=False),
}


def how(manifest: Manifest) -> Await | None:
    """How the object's kind is awaited; None for kinds that are live once they are stored."""
    kind = of(manifest)
    return _AWAITS.get((kind.group, kind.kind))
