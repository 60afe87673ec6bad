"""Keep, in the cluster, the last release of each model that was answered right: what a restore goes back to.

The record is a ConfigMap that the Deployment owns, so that it goes when the model goes. It holds the manifests
themselves: a restore needs neither the spec nor the artifact of then, and cannot render them differently.
"""

import json
from dataclasses import dataclass
from typing import Any

from infra.cluster import Cluster, Json
from infra.names import MANAGED_BY, RELEASE_LABEL, VERIFIED_LABEL, record, selector, short

_FIELD_MANAGER = "slipway-verify"


@dataclass(frozen=True)
class Release:
    """One release as it was deployed. `digest` is the release's short hex digest; `image` is by digest.

    `manifests`: as rendered, with the image in place. `check`: request, expectation and limit of the golden request.
    """

    model: str
    version: str
    digest: str
    image: str
    manifests: tuple[dict[str, Any], ...]
    check: dict[str, Any]


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
            "data": {"release.json": json.dumps(release.__dict__)},
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


def remove_strays(cluster: Cluster, release: Release) -> None:
    """Delete ConfigMaps of other releases of the model, which its stack should have deleted.

    They are the only objects whose names change with the release. A run that was killed, or had no room to save its
    state, between making one and writing that down leaves one that no stack knows.
    """
    kept = {item["metadata"]["name"] for item in release.manifests if item["kind"] == "ConfigMap"}
    kept.add(record(release.model))
    for item in cluster.list("ConfigMap", ",".join(f"{key}={value}" for key, value in selector(release.model).items())):
        if item["metadata"]["name"] not in kept:
            cluster.delete("ConfigMap", item["metadata"]["name"])


def saved(cluster: Cluster, model: str) -> Release | None:
    """Return the release to go back to, or None when none was ever judged right."""
    found = cluster.read("ConfigMap", record(model))
    if found is None:
        return None
    fields = json.loads(found["data"]["release.json"])
    return Release(**{**fields, "manifests": tuple(fields["manifests"])})
