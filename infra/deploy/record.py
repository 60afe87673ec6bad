"""Keep, in the cluster, the last release of each model that was answered right: what a restore goes back to.

The record is a ConfigMap that the Deployment owns, so that it goes when the model goes. It holds the manifests
themselves: a restore needs neither the spec nor the artifact of then, and cannot render them differently. What may be
applied of it is decided in restorable.py.
"""

from dataclasses import dataclass

from infra.cluster import Cluster, Json
from infra.deploy.record_format import BadRecord, packed, unpacked
from infra.deploy.release import Release
from infra.failures import RecordRefused
from infra.names import ENVIRONMENT_LABEL, MANAGED_BY, RELEASE_LABEL, VERIFIED_LABEL, record, short

_FIELD_MANAGER = "slipway-verify"


@dataclass(frozen=True)
class Live:
    """A model as the cluster has it. `release` is what its objects are, `verified` what was last judged right."""

    model: str
    version: str
    release: str
    verified: str | None
    wanted: int
    ready: int

    @property
    def settled(self) -> bool:
        """Whether the release there is the one that was judged right, and it serves."""
        return self.release == self.verified and self.ready > 0


def live_models(cluster: Cluster) -> dict[str, Live]:
    """Return every model in the namespace, from one LIST of its Deployments."""
    return {
        live.model: live
        for live in map(live_of, cluster.list("Deployment", f"app.kubernetes.io/managed-by={MANAGED_BY}"))
    }


def live_of(deployment: Json) -> Live:
    """Read one Deployment; an update that the controller has not seen yet counts as not ready."""
    metadata = deployment["metadata"]
    labels = metadata["labels"]
    status = deployment.get("status", {})
    seen = status.get("observedGeneration") == metadata.get("generation")
    return Live(
        model=metadata["name"],
        version=labels.get("app.kubernetes.io/version", ""),
        release=labels.get(RELEASE_LABEL, ""),
        verified=labels.get(VERIFIED_LABEL),
        wanted=deployment["spec"].get("replicas", 1),
        ready=status.get("availableReplicas", 0) if seen else 0,
    )


def save(cluster: Cluster, release: Release, namespace: str) -> None:
    """Write the record, then mark the Deployment: a mark without its record can never be there."""
    deployment = cluster.read("Deployment", release.model)
    if deployment is None:
        return
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": release.model,
        "uid": deployment["metadata"]["uid"],
    }
    labels = {"app.kubernetes.io/name": release.model, "app.kubernetes.io/managed-by": MANAGED_BY}
    of_deployment = deployment["metadata"].get("labels", {})
    labels |= {key: of_deployment[key] for key in (ENVIRONMENT_LABEL,) if key in of_deployment}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": record(release.model),
                "namespace": namespace,
                "labels": labels,
                "ownerReferences": [owner],
            },
            "binaryData": packed(release),
        },
        _FIELD_MANAGER,
    )
    mark = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": release.model,
            "namespace": namespace,
            "labels": {VERIFIED_LABEL: short(release.digest)},
        },
    }
    cluster.apply(mark, _FIELD_MANAGER)


def saved(cluster: Cluster, model: str) -> Release | None:
    """Return the last release that was judged right, None when there is none, as it is written: to ask, not to apply.

    Raises `RecordRefused` when the record is none.
    """
    found = cluster.read("ConfigMap", record(model))
    if found is None:
        return None
    try:
        return unpacked(found)
    except BadRecord as error:
        raise RecordRefused(cluster.namespace, record(model), model, str(error)) from error
