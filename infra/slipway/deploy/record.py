"""Keep the verified release of each model in the cluster: what a restore deploys.

The record is a ConfigMap that the Deployment owns, so that it goes when the model goes. It holds the manifests
themselves: a restore needs neither the spec nor the artifact of then, and cannot render them differently. What may be
applied of it is decided in restorable.py.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from slipway.capacity.measured import MeasuredStart
from slipway.cluster.autoscalers import may_sleep
from slipway.cluster.rollout import REVISION
from slipway.deploy.cold_start import cold_start_annotation
from slipway.deploy.ports import ClusterApi
from slipway.deploy.record_format import BadRecord, origin_annotation, packed, unpacked
from slipway.deploy.way_in import without_way_in
from slipway.errors.failures import RecordRefused, WrongAnswer
from slipway.history.held_back import HeldBack, held_back, kept_for
from slipway.plan.release import Release
from slipway.values.aliases import Json
from slipway.values.names import (
    CANDIDATE_LABEL,
    ENVIRONMENT_LABEL,
    MANAGED_BY,
    RELEASE_LABEL,
    VERIFIED_LABEL,
    VERIFIED_REVISION,
    config_map,
    record,
    short,
)

_FIELD_MANAGER = "slipway-verify"


@dataclass(frozen=True)
class Live:
    """A model as the cluster has it.

    `release` is what its pods are made from, `verified` what was last judged right. `touched`: somebody changed the
    pods' template since then. `asleep`: it has no replica, and gets one when somebody calls it. `held_back`: what a
    rollback left.
    """

    model: str
    version: str
    release: str
    verified: str | None
    touched: bool
    wanted: int
    ready: int
    asleep: bool = False
    held_back: HeldBack | None = None

    def holds_back(self, release: str) -> HeldBack | None:
        """What a rollback left, when it took this release (its short digest) back."""
        held = self.held_back
        return held if held is not None and held.holds(self.release, release) else None

    @property
    def serves(self) -> bool:
        """Whether a call is answered, be it by a replica that is started for it."""
        return self.ready > 0 or self.asleep

    @property
    def serves_verified(self) -> bool:
        """Whether the release there is the one that was judged right, as it was then, and it serves."""
        return self.release == self.verified and not self.touched and self.serves


def live_models(cluster: ClusterApi) -> dict[str, Live]:
    """Return every model in the namespace, from one LIST of its Deployments.

    Those of a gateway are of no release, and a release that is judged beside a model's own is none of its own yet.

    Where one has no replica, a second LIST says whether it may sleep.
    """
    ours = f"app.kubernetes.io/managed-by={MANAGED_BY}"
    found = [live_of(item) for item in cluster.list("Deployment", f"{ours},{RELEASE_LABEL},!{CANDIDATE_LABEL}")]
    sleepers: set[str] = set()
    if any(live.wanted == 0 for live in found):
        sleepers = {item["metadata"]["name"] for item in cluster.list("ScaledObject", ours) if may_sleep(item)}
    return {live.model: _asleep(live, sleepers) for live in found}


def live_model(cluster: ClusterApi, model: str) -> Live | None:
    """Return one model of the namespace; None when it has no Deployment."""
    deployment = cluster.read("Deployment", model)
    if deployment is None:
        return None
    live = live_of(deployment)
    scaler = cluster.read("ScaledObject", model) if live.wanted == 0 else None
    return _asleep(live, {model} if scaler is not None and may_sleep(scaler) else ())


def _asleep(live: Live, sleepers: Collection[str]) -> Live:
    return replace(live, asleep=live.wanted == 0 and live.model in sleepers)


def recorded_models(cluster: ClusterApi) -> set[str]:
    """Return the models in the namespace that have a record."""
    names = cluster.names("ConfigMap", f"app.kubernetes.io/managed-by={MANAGED_BY}")
    suffix = record("")
    return {name.removesuffix(suffix) for name in names if name.endswith(suffix)}


def live_of(deployment: Json) -> Live:
    """Read one Deployment; an update that the controller has not seen yet counts as not ready."""
    metadata = deployment["metadata"]
    labels, annotations = metadata["labels"], metadata.get("annotations", {})
    of_pods = deployment["spec"]["template"]["metadata"].get("labels", {})
    status = deployment.get("status", {})
    seen = status.get("observedGeneration") == metadata.get("generation")
    return Live(
        model=metadata["name"],
        version=labels.get("app.kubernetes.io/version", ""),
        release=of_pods.get(RELEASE_LABEL, ""),
        verified=labels.get(VERIFIED_LABEL),
        touched=annotations.get(VERIFIED_REVISION) != annotations.get(REVISION),
        wanted=deployment["spec"].get("replicas", 1),
        ready=status.get("availableReplicas", 0) if seen else 0,
        held_back=held_back(deployment),
    )


def save(
    cluster: ClusterApi,
    release: Release,
    judged: Json,
    start: MeasuredStart | None = None,
    held: HeldBack | None = None,
) -> None:
    """Write the record, then mark the Deployment: a mark without its record can never be there.

    `judged`: the Deployment as it was read before the release was judged. `WrongAnswer` when it is another by now.
    `start`: how long a replica of the release took to start, where that was measured. `held`: what a rollback to this
    release holds back; when None, what one to it held back before stays so.
    """
    deployment = cluster.read("Deployment", release.model)
    if deployment is None or _template_of(deployment) != _template_of(judged):
        raise WrongAnswer(release.model, "somebody changed its Deployment while it was judged")
    namespace = cluster.namespace
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
                "annotations": origin_annotation(release) | cold_start_annotation(start),
                "ownerReferences": [owner],
            },
            "binaryData": packed(without_way_in(release)),
        },
        _FIELD_MANAGER,
    )
    # The engine never deletes a release's own, since pods may mount it: it goes when the Deployment goes.
    name = config_map(release.model, release.digest)
    metadata = {"name": name, "namespace": namespace, "ownerReferences": [owner]}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, _FIELD_MANAGER)
    held = held or kept_for(deployment, release.digest)
    mark = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": release.model,
            "namespace": namespace,
            "labels": {VERIFIED_LABEL: short(release.digest)},
            "annotations": {VERIFIED_REVISION: _template_of(deployment)[1]} | (held.annotation() if held else {}),
        },
    }
    cluster.apply(mark, _FIELD_MANAGER)


def _template_of(deployment: Json) -> tuple[str, str]:
    """What tells one template of a Deployment from another: the object, and the revision of its template."""
    metadata = deployment["metadata"]
    return metadata["uid"], metadata.get("annotations", {}).get(REVISION, "")


def saved(cluster: ClusterApi, model: str) -> Release | None:
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
