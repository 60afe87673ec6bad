"""List the EKS managed node groups of an environment: pure, so that a change can be judged before anything happens.

A pool of the settings is one node group, or two where it is spot: one of spot nodes, one of on-demand nodes that take
over. What a node group cannot change is in its name as a digest: such a change is a new group beside the old one, and
`slipway rotate` empties and removes the old one. The groups of a stack are its output `pools`, so that the program can
be run again with the old ones among the new (`kept`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import TypeAdapter

from slipway.environments.planning.aws.pools import pools
from slipway.environments.planning.pool import Pool
from slipway.settings.aws import AwsNodePool, AwsSettings
from slipway.values import names

SYSTEM_TAINT = {"key": "CriticalAddonsOnly", "value": "true", "effect": "NoSchedule"}
"""Keeps models off the nodes of the platform; DNS and the add-ons of EKS tolerate it by themselves."""
SYSTEM_DISK_GIB = 50
MIG_LABEL = "nvidia.com/mig.config"
SHARING_LABEL = "nvidia.com/device-plugin.config"
ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
"""By this label the cluster autoscaler knows that a new node will get GPUs once its driver is ready."""
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """One EKS managed node group.

    Attributes:
        pool: the pool that it is, or is a part of.
        name: of the group; ends in a digest of what it cannot change.
        capacity: `ON_DEMAND` or `SPOT`.
        ami_type: kind of the EKS-optimized image.
        instance_types: the first preferred.
        zones: of its nodes.
        min_nodes: nodes that always run.
        max_nodes: nodes at the highest load.
        disk_gib: disk of a node.
        labels: of its nodes.
        taints: of its nodes: `key`, `value`, `effect` as Kubernetes writes them.
        capacity_reservation: that its nodes come from, or None.
        resources: what a node offers besides CPU and memory; the autoscaler cannot see that on a group without nodes.
    """

    pool: str
    name: str
    capacity: Literal["ON_DEMAND", "SPOT"]
    ami_type: Literal["AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NVIDIA"]
    instance_types: tuple[str, ...]
    zones: tuple[str, ...]
    min_nodes: int
    max_nodes: int
    disk_gib: int
    labels: dict[str, str]
    taints: tuple[dict[str, str], ...]
    capacity_reservation: str | None = None
    resources: dict[str, str] = field(default_factory=dict)


_STORED = TypeAdapter(tuple[NodeGroup, ...])


def to_store(groups: Sequence[NodeGroup]) -> list[dict[str, Any]]:
    """The groups as JSON values, for the stack's output `pools`."""
    values: list[dict[str, Any]] = _STORED.dump_python(tuple(groups), mode="json")
    return values


def stored(output: Sequence[dict[str, Any]]) -> tuple[NodeGroup, ...]:
    """The groups of a stack, from its output `pools`."""
    return _STORED.validate_python(output)


def node_groups(settings: AwsSettings) -> tuple[NodeGroup, ...]:
    """The node groups that an environment's settings ask for, those of the platform first."""
    groups = [_system(settings)]
    for wanted, pool in zip(settings.node_pools, pools(settings), strict=True):
        groups += _groups(wanted, pool)
    return tuple(groups)


def _system(settings: AwsSettings) -> NodeGroup:
    return _named(
        "",
        NodeGroup(
            pool=names.SYSTEM_POOL,
            name="",
            capacity="ON_DEMAND",
            ami_type="AL2023_x86_64_STANDARD",
            instance_types=(settings.platform.instance_type,),
            zones=settings.zones,
            min_nodes=settings.platform.nodes,
            max_nodes=settings.platform.nodes,
            disk_gib=SYSTEM_DISK_GIB,
            labels={names.POOL_LABEL: names.SYSTEM_POOL},
            taints=(SYSTEM_TAINT,),
        ),
    )


def _groups(wanted: AwsNodePool, pool: Pool) -> list[NodeGroup]:
    """A pool's groups. With `fallback` the on-demand nodes may be as many as the pool's: the autoscaler asks for them
    only when it gets no spot node.
    """
    spot = wanted.spot
    if spot is None:
        return [_named("", _group(wanted, pool, "ON_DEMAND", wanted.min_nodes, wanted.max_nodes))]
    groups = []
    if wanted.max_nodes > spot.on_demand_nodes:
        least = max(wanted.min_nodes - spot.on_demand_nodes, 0)
        most = wanted.max_nodes - spot.on_demand_nodes
        groups.append(_named("spot", _group(wanted, pool, "SPOT", least, most)))
    most = wanted.max_nodes if spot.fallback else spot.on_demand_nodes
    if most:
        groups.append(_named("on-demand", _group(wanted, pool, "ON_DEMAND", spot.on_demand_nodes, most)))
    return groups


def _group(
    wanted: AwsNodePool, pool: Pool, capacity: Literal["ON_DEMAND", "SPOT"], min_nodes: int, max_nodes: int
) -> NodeGroup:
    return NodeGroup(
        pool=pool.name,
        name="",
        capacity=capacity,
        ami_type=_ami_type(pool),
        instance_types=pool.instance_types,
        zones=pool.zones,
        min_nodes=min_nodes,
        max_nodes=max_nodes,
        disk_gib=wanted.disk // _GIB,
        labels={**wanted.labels, **pool.selector, **_gpu_labels(wanted, pool)},
        taints=tuple(taint.model_dump() for taint in pool.taints),
        capacity_reservation=wanted.capacity_reservation,
        resources={pool.gpu.resource: str(pool.gpu.count)} if pool.gpu else {},
    )


def _ami_type(
    pool: Pool,
) -> Literal["AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NVIDIA"]:
    if pool.gpu is not None:
        return "AL2023_x86_64_NVIDIA"
    return "AL2023_ARM_64_STANDARD" if pool.architecture == "arm64" else "AL2023_x86_64_STANDARD"


def _gpu_labels(wanted: AwsNodePool, pool: Pool) -> dict[str, str]:
    if pool.gpu is None:
        return {}
    labels = {ACCELERATOR_LABEL: f"nvidia-{pool.gpu.model.lower()}"}
    if wanted.sharing and wanted.sharing.time_slicing:
        labels[SHARING_LABEL] = time_slicing_config(wanted.sharing.time_slicing)
    if wanted.sharing and wanted.sharing.mig:
        labels[MIG_LABEL] = f"all-{wanted.sharing.mig}"
    return labels


def time_slicing_config(replicas: int) -> str:
    """Name of the device plugin's configuration in which so many replicas take turns on a GPU."""
    return f"time-slicing-{replicas}"


def _named(part: str, group: NodeGroup) -> NodeGroup:
    """The group with its name. A MIG profile counts as unchangeable: GPUs cannot be cut anew under running models."""
    fixed = [group.ami_type, group.capacity, group.instance_types, group.zones, group.labels.get(MIG_LABEL)]
    digest = hashlib.sha256(json.dumps(fixed).encode()).hexdigest()
    return replace(group, name=names.node_group(group.pool, part, digest))
