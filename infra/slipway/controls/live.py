"""Read what is live for the controls: objects of the namespace by kind, each LIST once; nothing is written.

A Secret's content is never read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.cluster.api import Cluster
from slipway.deploy.record import Live, live_models, saved
from slipway.errors.failures import RecordRefused
from slipway.errors.reaching import ApiRefused
from slipway.plan.release import Release
from slipway.policy.resource import Resource
from slipway.values.aliases import Json
from slipway.values.names import MANAGED_BY

_OURS = f"app.kubernetes.io/managed-by={MANAGED_BY}"
_OWN = ("Deployment", "Service", "ServiceAccount", "HTTPRoute", "GRPCRoute", "SecurityPolicy", "Gateway")
_OF_ALL = ("NetworkPolicy", "Role", "RoleBinding", "ClusterRoleBinding", "ClientTrafficPolicy")
"""Whoever made them: one policy or role more, and the others mean less."""
_REGION = "topology.kubernetes.io/region"


@dataclass(frozen=True)
class LiveState:
    """What the cluster has.

    Attributes:
        resources: objects of the namespace that controls are about, and the Namespace.
        models: models by name.
        records: releases that were judged right, by model; a reason where a record cannot be read.
        regions: regions of the nodes that each model's pods run on; a pod without a node, or a node without a region,
            is left out. None where nodes may not be read, or nobody needs them.
        unread: why a kind could not be listed, by kind.
    """

    resources: tuple[Resource, ...]
    models: Mapping[str, Live]
    records: Mapping[str, Release | str]
    regions: Mapping[str, frozenset[str]] | None
    unread: Mapping[str, str]

    def of(self, kind: str) -> list[Resource]:
        """The objects of one kind."""
        return [one for one in self.resources if one.kind == kind]


def live_state(cluster: Cluster, *, regions: bool) -> LiveState:
    """Read the cluster; raises what `Cluster` raises where it cannot be reached at all.

    `regions`: whether somebody needs them; nodes are the whole cluster's, and not everybody may read them.
    """
    models = live_models(cluster)
    found: list[Resource] = []
    unread: dict[str, str] = {}
    for kind in (*_OWN, *_OF_ALL):
        try:
            items = cluster.list(kind, _OURS if kind in _OWN else "")
        except ApiRefused as error:
            unread[kind] = f"objects of kind {kind} cannot be listed: {error.message}"
        else:
            found += (_resource(kind, item) for item in items)
    try:
        namespace = cluster.read("Namespace", cluster.namespace)
    except ApiRefused as error:
        unread["Namespace"] = f"namespace {cluster.namespace} cannot be read: {error.message}"
    else:
        found += [_resource("Namespace", namespace)] if namespace is not None else []
    records = {name: record for name in models if (record := _record(cluster, name)) is not None}
    return LiveState(tuple(found), models, records, _regions(cluster, models) if regions else None, unread)


def _resource(kind: str, item: Json) -> Resource:
    """Items of a LIST do not say their kind."""
    return Resource(f"kubernetes:live:{kind}", item["metadata"]["name"], {**item, "kind": kind})


def _record(cluster: Cluster, model: str) -> Release | str | None:
    try:
        return saved(cluster, model)
    except (RecordRefused, ApiRefused) as error:
        return str(error)


def _regions(cluster: Cluster, models: Iterable[str]) -> Mapping[str, frozenset[str]] | None:
    try:
        nodes, pods = cluster.list("Node"), cluster.list("Pod", _OURS)
    except ApiRefused:
        return None
    region_of = {node["metadata"]["name"]: node["metadata"].get("labels", {}).get(_REGION) for node in nodes}
    return {model: frozenset(_where(pods, model, region_of)) for model in models}


def _where(pods: Sequence[Json], model: str, region_of: Mapping[str, str | None]) -> Iterable[str]:
    for pod in pods:
        labels: Mapping[str, Any] = pod["metadata"].get("labels", {})
        region = region_of.get(pod["spec"].get("nodeName", ""))
        if labels.get("app.kubernetes.io/name") == model and region is not None:
            yield region
