"""Plan what Karpenter is told: pure, so that names, bounds and labels of nodes are known before any is started.

A pool of the settings is one NodePool, or two where some of a spot pool's nodes are never spot. Both start nodes by the
pool's EC2NodeClass. Bounds are bounds: together the NodePools of a pool never have more nodes than its `max_nodes`,
whoever they are paid to; only while an old node is replaced there is one more for each that goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.catalog.platform_pins import EKS
from slipway.environments.planning.aws.pools import pools
from slipway.environments.planning.pool import Pool
from slipway.settings.aws import AwsNodePool, AwsSettings
from slipway.values import names

CapacityType = Literal["on-demand", "spot", "reserved"]

NODE_POOL_LABEL = "karpenter.sh/nodepool"
"""Karpenter's, on each of its nodes: the NodePool that it is of."""
MIG_LABEL = "nvidia.com/mig.config"
SHARING_LABEL = "nvidia.com/device-plugin.config"
GPU = "nvidia.com/gpu"
ON_DEMAND_PART = ".on-demand"
"""Ends the name of the second NodePool; no pool's own name has a dot."""
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class NodeClass:
    """How the nodes of a pool are started.

    Attributes:
        name: the pool's.
        disk_gib: disk of a node.
        capacity_reservation: that its nodes come from, a Capacity Block or other; None where any capacity will do.
    """

    name: str
    disk_gib: int
    capacity_reservation: str | None


@dataclass(frozen=True, slots=True)
class NodePool:
    """One NodePool.

    Attributes:
        pool: the pool that it is, or is a part of; its EC2NodeClass is called the same.
        name: its own.
        capacity: what it may be paid for; of several, Karpenter takes the cheapest that is to be had.
        instance_types: of its nodes.
        zones: of its nodes.
        architecture: `amd64` or `arm64`.
        min_nodes: nodes that always run.
        max_nodes: nodes at the highest load.
        limits: the same in what Karpenter counts, by resource.
        labels: of its nodes.
        taints: of its nodes: `key`, `value`, `effect`.
        weight: the higher, the earlier it is tried; None for the lowest.
        shared: what a node offers whose GPUs are shared, by resource; Karpenter knows whole GPUs only.
    """

    pool: str
    name: str
    capacity: tuple[CapacityType, ...]
    instance_types: tuple[str, ...]
    zones: tuple[str, ...]
    architecture: str
    min_nodes: int
    max_nodes: int
    limits: dict[str, str]
    labels: dict[str, str]
    taints: tuple[dict[str, str], ...]
    weight: int | None = None
    shared: dict[str, str] = field(default_factory=dict)


def node_classes(settings: AwsSettings) -> tuple[NodeClass, ...]:
    """The EC2NodeClass of each pool."""
    return tuple(NodeClass(pool.name, pool.disk // _GIB, pool.capacity_reservation) for pool in settings.node_pools)


def image_alias(settings: AwsSettings) -> str:
    """The pinned release of the EKS-optimized images; which of them, follows from a node's processor and GPUs."""
    return f"al2023@v{EKS[settings.kubernetes_version].ami.rpartition('-')[2]}"


def node_pools(settings: AwsSettings) -> tuple[NodePool, ...]:
    """The NodePools that an environment's settings ask for."""
    made: list[NodePool] = []
    for wanted, pool in zip(settings.node_pools, pools(settings), strict=True):
        made += _node_pools(wanted, pool)
    return tuple(made)


def has_gpus(made: Sequence[NodePool]) -> bool:
    """Whether any node has GPUs."""
    return any(taint["key"] == GPU for pool in made for taint in pool.taints)


def _node_pools(wanted: AwsNodePool, pool: Pool) -> list[NodePool]:
    spot = wanted.spot
    if spot is None:
        reserved = wanted.capacity_reservation is not None
        capacity: CapacityType = "reserved" if reserved else "on-demand"
        return [_node_pool(wanted, pool, pool.name, (capacity,), wanted.min_nodes, wanted.max_nodes)]
    always = spot.on_demand_nodes
    types: tuple[CapacityType, ...] = ("spot", "on-demand") if spot.fallback else ("spot",)
    least = max(wanted.min_nodes - always, 0)
    made = [_node_pool(wanted, pool, pool.name, types, least, wanted.max_nodes - always)]
    if always:
        name = f"{pool.name}{ON_DEMAND_PART}"
        # Filled first: what it may have is there anyway.
        made.append(_node_pool(wanted, pool, name, ("on-demand",), always, always, weight=100))
    return made


def _node_pool(
    wanted: AwsNodePool,
    pool: Pool,
    name: str,
    capacity: tuple[CapacityType, ...],
    min_nodes: int,
    max_nodes: int,
    weight: int | None = None,
) -> NodePool:
    return NodePool(
        pool=pool.name,
        name=name,
        capacity=capacity,
        instance_types=pool.instance_types,
        zones=pool.zones,
        architecture=pool.architecture,
        min_nodes=min_nodes,
        max_nodes=max_nodes,
        limits=_limits(wanted, pool, max_nodes),
        labels={**wanted.labels, **pool.selector, **_sharing_labels(wanted)},
        taints=tuple(taint.model_dump() for taint in pool.taints),
        weight=weight,
        shared={pool.gpu.resource: str(pool.gpu.count)} if pool.gpu and wanted.sharing else {},
    )


def _limits(wanted: AwsNodePool, pool: Pool, nodes: int) -> dict[str, str]:
    """What no more than so many nodes have together: all types of a pool have as many GPUs; else those of fewest cores.

    Karpenter takes a limit on `nodes` too, and passes it: 1.12.1 looks at it only after it has decided on all nodes of
    a batch of pods (pkg/controllers/provisioning/scheduling/scheduler.go, subtractMax).
    """
    if wanted.gpus is not None and not wanted.sharing:
        return {GPU: str(nodes * wanted.gpus)}
    return {"cpu": str(nodes * min(INSTANCE_TYPES[name].vcpu for name in pool.instance_types))}


def _sharing_labels(wanted: AwsNodePool) -> dict[str, str]:
    sharing = wanted.sharing
    if sharing is None:
        return {}
    if sharing.mig is not None:
        return {MIG_LABEL: f"all-{sharing.mig}"}
    return {SHARING_LABEL: time_slicing_config(sharing.time_slicing or 1)}


def time_slicing_config(replicas: int) -> str:
    """Name of the device plugin's configuration in which so many replicas take turns on a GPU."""
    return f"time-slicing-{replicas}"


def queue(environment: str) -> str:
    """Name of the queue by which AWS tells of nodes that it takes back."""
    return names.cluster(environment)
