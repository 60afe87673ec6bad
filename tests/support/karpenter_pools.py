"""Pools of an environment's settings as Karpenter's objects: of the shape that `slipway up` applies on AWS."""

from typing import Any

from slipway.environments.planning.aws.node_groups import node_groups
from slipway.environments.planning.aws.pools import pools
from slipway.settings.aws import AwsSettings
from slipway.values.names import POOL_LABEL

IMAGE = "al2023@v20261101"
_PODS = 110


def node_objects(settings: AwsSettings, settle: str = "1s", budget: str = "20%") -> list[dict[str, Any]]:
    """An EC2NodeClass, a NodePool and, where GPUs are shared, a NodeOverlay for each pool."""
    found = []
    for wanted, pool in zip(settings.node_pools, pools(settings), strict=True):
        types = wanted.types(settings.region)
        groups = [group for group in node_groups(settings) if group.pool == pool.name]
        found.append(node_class(pool.name, wanted.capacity_reservation))
        ways = ["spot", "on-demand"] if pool.spot else ["reserved"] if pool.reserved else ["on-demand"]
        found.append(
            node_pool(
                pool.name,
                [one.name for one in types],
                ways,
                list(pool.zones),
                cpu=pool.max_nodes * max(one.vcpu for one in types),
                labels=groups[0].labels,
                taints=[taint.model_dump() for taint in pool.taints],
                settle=settle,
                budget=budget,
                architecture=pool.architecture,
            )
        )
        if wanted.sharing and pool.gpu:
            of_pool = [{"key": "karpenter.sh/nodepool", "operator": "In", "values": [pool.name]}]
            shared = {"requirements": of_pool, "capacity": {pool.gpu.resource: str(pool.gpu.count)}}
            found.append(_object("karpenter.sh/v1alpha1", "NodeOverlay", pool.name, shared))
    return found


def node_class(name: str, reservation: str | None = None) -> dict[str, Any]:
    """How the nodes of a pool are started."""
    reserved = {"capacityReservationSelectorTerms": [{"id": reservation}]} if reservation else {}
    spec = {
        "amiSelectorTerms": [{"alias": IMAGE}],
        "instanceProfile": "slipway-nodes",
        "subnetSelectorTerms": [{"id": "subnet-0123456789abcdef0"}],
        "securityGroupSelectorTerms": [{"id": "sg-0123456789abcdef0"}],
        "kubelet": {"maxPods": _PODS},
        **reserved,
    }
    return _object("karpenter.k8s.aws/v1", "EC2NodeClass", name, spec)


def node_pool(
    name: str,
    types: list[str],
    ways: list[str],
    zones: list[str],
    *,
    cpu: int,
    labels: dict[str, str] | None = None,
    taints: list[dict[str, Any]] | None = None,
    settle: str = "1s",
    budget: str = "20%",
    architecture: str = "amd64",
) -> dict[str, Any]:
    """Which nodes there may be of a pool. `cpu`: vCPUs of all of them together."""
    wanted = {
        "karpenter.sh/capacity-type": ways,
        "node.kubernetes.io/instance-type": types,
        "topology.kubernetes.io/zone": zones,
        "kubernetes.io/arch": [architecture],
    }
    nodes = {
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name},
        "requirements": [{"key": key, "operator": "In", "values": values} for key, values in wanted.items()],
        "taints": taints or [],
        "expireAfter": "Never",
    }
    spec = {
        "template": {"metadata": {"labels": {**(labels or {}), POOL_LABEL: name}}, "spec": nodes},
        "limits": {"cpu": str(cpu)},
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": settle,
            "budgets": [{"nodes": budget}],
        },
    }
    return _object("karpenter.sh/v1", "NodePool", name, spec)


def _object(version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
