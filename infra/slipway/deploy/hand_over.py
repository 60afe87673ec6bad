"""Hand the number of a model's replicas from one writer to the next: never two at once, never a wrong number between.

A Deployment that names its replicas sets them itself, else a HorizontalPodAutoscaler or a ScaledObject of KEDA's does.
Two things go wrong when only objects are applied. A server-side apply that no longer names `replicas` gives the field
up, and the API server makes it 1: three of four pods stop at once. And one that names them meets the autoscaler as the
owner of the field, and is refused. So the former writer goes first, and Slipway holds the number until the next one has
it ([ADR 0045](../../../docs/adr/0045-sleeping-models.md)).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from slipway.cluster.autoscalers import FINALIZER, HPA, SCALED_OBJECT, may_sleep, of_keda
from slipway.cluster.ownership import is_own
from slipway.deploy.ports import ClusterApi
from slipway.deploy.watcher import Watcher
from slipway.errors.base import DeployError
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json, Tell

MANAGER = "slipway-replicas"
"""The field manager that holds `replicas` while no other writer does."""
GONE_LIMIT_S = 60.0
"""KEDA takes its finalizer off within a second; the garbage collector then deletes KEDA's own autoscaler."""
_PULUMI = "pulumi-kubernetes"
"""What the names of the engine's field managers begin with."""


class ScalerStays(DeployError):
    """What sets the replicas of a model now cannot be deleted, so that nothing else may. `left`: why each is there."""

    def __init__(self, namespace: str, model: str, left: Sequence[str], waited_s: float) -> None:
        super().__init__(
            f"model {model}: what sets its replicas has to go first, and is still there after {waited_s:.0f} s: "
            f"{'; '.join(left)}; next: {keda_away(namespace, model)}; then run the command again"
        )


def keda_away(namespace: str, model: str) -> str:
    """What to do about a ScaledObject that stays though it was deleted."""
    patch = """'{"metadata":{"finalizers":null}}'"""
    return (
        "see that KEDA's operator runs (kubectl get pods -A -l app=keda-operator); only if KEDA was removed for good: "
        f"kubectl -n {namespace} patch scaledobject {model} --type merge -p {patch}"
    )


@dataclass(frozen=True, slots=True)
class Writer:
    """Who sets the replicas of a release: the kind of the object, its bounds, and whether none is among them."""

    kind: str
    least: int
    most: int
    sleeps: bool = False


def writer_of(manifests: Sequence[Mapping[str, Any]]) -> Writer:
    """Who sets the replicas in the manifests of a release."""
    by_kind = {manifest["kind"]: manifest for manifest in manifests}
    if SCALED_OBJECT in by_kind:
        spec = by_kind[SCALED_OBJECT]["spec"]
        least, most = max(1, spec.get("minReplicaCount", 0)), spec.get("maxReplicaCount", 100)
        return Writer(SCALED_OBJECT, least, most, may_sleep(by_kind[SCALED_OBJECT]))
    if HPA in by_kind:
        spec = by_kind[HPA]["spec"]
        return Writer(HPA, spec.get("minReplicas", 1), spec["maxReplicas"])
    replicas = by_kind["Deployment"]["spec"].get("replicas", 1)
    return Writer("Deployment", replicas, replicas)


@dataclass(frozen=True)
class HandOver:
    """Hands over the replicas of models of one environment."""

    cluster: ClusterApi
    environment: str
    watcher: Watcher

    def prepare(self, model: str, manifests: Sequence[Mapping[str, Any]], tell: Tell) -> bool:
        """Make way for the writer of a release that is about to be applied; says whether anything was changed.

        Where it was, the engine has to look at what is there before it applies anything.

        Raises:
            ScalerStays: the former writer cannot be deleted.
            Interrupted: the run was cancelled.
        """
        if self.cluster.read("Deployment", model) is None:
            return False
        wanted = writer_of(manifests)
        changed = self._retire(model, wanted, tell)
        deployment = self.cluster.read("Deployment", model)
        if deployment is None:
            return changed
        replicas = _held(deployment, wanted)
        if replicas is not None:
            self._hold(model, {"replicas": replicas})
        return changed or replicas is not None

    def retire(self, model: str) -> None:
        """Delete what KEDA has of a model that is about to go; the engine would wait ten minutes for KEDA.

        Raises as `prepare`.
        """
        try:
            self._retire(model, Writer("Deployment", 0, 0), lambda _: None, (SCALED_OBJECT,))
        except ApiRefused as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise

    def conclude(self, model: str) -> None:
        """Let go of a number that the engine has set by now: only its own program may change it from then on."""
        deployment = self.cluster.read("Deployment", model)
        owners = _owners(deployment) if deployment is not None else []
        if MANAGER in owners and any(owner.startswith(_PULUMI) for owner in owners):
            self._hold(model, None)

    def _retire(self, model: str, wanted: Writer, tell: Tell, kinds: Sequence[str] = (SCALED_OBJECT, HPA)) -> bool:
        """Delete the writers of other kinds than the wanted one's, and wait until they are gone."""
        there = list(self._others(model, wanted, kinds))
        if not there:
            return False
        tell(f"its {there[0]['kind']} goes before another object sets its replicas, which stay as they are")
        for item in there:
            # KEDA makes its own anew as long as its ScaledObject is there, and it goes with that.
            if not of_keda(item) and not item["metadata"].get("deletionTimestamp"):
                self.cluster.delete(item["kind"], model)
        left = self.watcher.gone(lambda: [_said(item) for item in self._others(model, wanted, kinds)], GONE_LIMIT_S)
        if left:
            raise ScalerStays(self.cluster.namespace, model, left, GONE_LIMIT_S)
        return True

    def _others(self, model: str, wanted: Writer, kinds: Sequence[str]) -> Iterator[Json]:
        """What may still set the replicas beside the wanted writer; with a ScaledObject, KEDA's own autoscaler."""
        for kind in kinds:
            item = self.cluster.read(kind, model)
            if item is None or not is_own(item, self.environment, model):
                continue
            of = SCALED_OBJECT if kind == HPA and of_keda(item) else kind
            if of != wanted.kind:
                yield {**item, "kind": kind}

    def _hold(self, model: str, spec: Json | None) -> None:
        metadata = {"name": model, "namespace": self.cluster.namespace}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
        self.cluster.apply(body if spec is None else {**body, "spec": spec}, MANAGER)


def _held(deployment: Json, wanted: Writer) -> int | None:
    """The number that Slipway has to hold until the next writer has it; None where nothing can happen to it."""
    now: int = deployment["spec"].get("replicas", 1)
    owners = _owners(deployment)
    others = [owner for owner in owners if not owner.startswith(_PULUMI)]
    if wanted.kind == "Deployment":
        # The engine's apply would be refused: the field is another's, with another value.
        return wanted.least if others and now != wanted.least else None
    if now == 0 and not wanted.sleeps:
        return wanted.least  # an autoscaler leaves a Deployment alone that has none
    if owners and not others:
        return min(max(now, wanted.least), wanted.most)  # the engine gives the field up, and it would become 1
    return None


def _owners(deployment: Json) -> list[str]:
    """The field managers that hold `replicas` of a Deployment."""
    fields = deployment["metadata"].get("managedFields") or []
    return [
        entry.get("manager", "")
        for entry in fields
        if "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]


def _said(item: Json) -> str:
    """An object that is still there, and what it waits for."""
    metadata = item["metadata"]
    waits = ", ".join(metadata.get("finalizers") or ())
    name = f"{item['kind']} {metadata['name']}"
    if FINALIZER in waits:
        return f"{name} waits for {FINALIZER}, which KEDA's operator takes off"
    return f"{name} waits for {waits}" if waits else f"{name} is not gone yet"
