"""Say what each node pool of an environment on AWS can hold.

A node has what its instance type has, less:

- what the hypervisor and the kernel keep: 7.5 % of memory, which is what Karpenter takes before it has seen a node
  (https://karpenter.sh/docs/reference/settings/, VM_MEMORY_OVERHEAD_PERCENT), and 64Mi of Arm nodes, whose kernel
  keeps them for devices (github.com/aws/karpenter-provider-aws v1.12.1, pkg/providers/instancetype/types.go);
- what EKS reserves for the kubelet and the system (nodeadm of github.com/awslabs/amazon-eks-ami): of CPU 6 % of the
  first core, 1 % of the second, 0.5 % of the next two and 0.25 % of each more; of memory 255Mi and 11Mi for each pod
  that a node may have, which is 110 here, and 100Mi below which pods are evicted;
- what the platform runs on each node: network, proxy, identity, disk, metrics and repair agents, the pod that
  holds a node which always runs, and with GPUs the operator's.

A node takes 110 pods, whatever its type: the network plugin gives it prefixes of addresses, of which each type in the
catalogue has room for more than that.
"""

from fractions import Fraction

from slipway.catalog.aws import SPOT_FACTOR, InstanceType, mig_profiles
from slipway.environments.planning.pool import Accelerators, Pool
from slipway.settings.aws import AwsNodePool, AwsSettings
from slipway.settings.kubernetes import Taint
from slipway.values.names import POOL_LABEL

GPU_TAINT = Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")
"""Keeps everything off the expensive nodes that does not ask for a GPU."""

PODS_OF_A_NODE = 110
"""That a kubelet takes, the platform's own among them."""

_MI = 2**20
_HYPERVISOR_SHARE = Fraction(75, 1000)
_CONTIGUOUS = 64 * _MI
_AGENTS_CPU = 300
_AGENTS_MEMORY = 512 * _MI
_AGENTS_PODS = 7
_GPU_AGENTS_CPU = 500
_GPU_AGENTS_MEMORY = 1024 * _MI
_GPU_AGENTS_PODS = 15


def pools(settings: AwsSettings) -> tuple[Pool, ...]:
    """The pools of an environment on AWS, in the order of its settings."""
    return tuple(_pool(settings, pool) for pool in settings.node_pools)


def allocatable_cpu(instance: InstanceType) -> int:
    """Thousandths of a core of a node that models can have."""
    cores = instance.vcpu
    kubelet = 60 + 10 * (cores > 1) + 5 * min(max(cores - 2, 0), 2) + Fraction(5, 2) * max(cores - 4, 0)
    return int(cores * 1000 - kubelet) - (_GPU_AGENTS_CPU if instance.gpu else _AGENTS_CPU)


def allocatable_memory(instance: InstanceType) -> int:
    """Bytes of a node that models can have, whole Mi."""
    kubelet = (255 + 11 * PODS_OF_A_NODE + 100) * _MI
    seen = instance.memory - int(instance.memory * _HYPERVISOR_SHARE)
    contiguous = _CONTIGUOUS if instance.architecture == "arm64" else 0
    left = seen - kubelet - contiguous - (_GPU_AGENTS_MEMORY if instance.gpu else _AGENTS_MEMORY)
    return left // _MI * _MI


def _pool(settings: AwsSettings, pool: AwsNodePool) -> Pool:
    types = pool.types(settings.region)
    price = types[0].hourly_usd[settings.region]
    on_demand = pool.spot.on_demand_nodes if pool.spot else 0
    return Pool(
        name=pool.name,
        min_nodes=max(pool.min_nodes, on_demand),
        max_nodes=pool.max_nodes,
        cpu=min(map(allocatable_cpu, types)),
        memory=min(map(allocatable_memory, types)),
        pods=PODS_OF_A_NODE - (_GPU_AGENTS_PODS if pool.has_gpus else _AGENTS_PODS),
        gpu=_accelerators(pool, types),
        selector={POOL_LABEL: pool.name},
        taints=(*((GPU_TAINT,) if pool.has_gpus else ()), *pool.taints),
        architecture=types[0].architecture,
        cpu_features=frozenset.intersection(*(instance.cpu_features for instance in types)),
        region=settings.region,
        zones=pool.zones or settings.zones,
        instance_types=tuple(instance.name for instance in types),
        hourly_usd=price,
        spot_hourly_usd=types[0].spot_hourly_usd.get(settings.region, price * SPOT_FACTOR) if pool.spot else None,
        spot=pool.spot is not None,
        on_demand_nodes=on_demand,
        fallback=pool.spot is not None and pool.spot.fallback,
        reserved=pool.capacity_reservation is not None,
        reserved_by=tuple(taint.key for taint in pool.taints),
    )


def _accelerators(pool: AwsNodePool, types: tuple[InstanceType, ...]) -> Accelerators | None:
    cards = [instance.gpu for instance in types if instance.gpu]
    if not cards:
        return None
    smallest = min(cards, key=lambda card: card.memory)
    if pool.sharing is None:
        return Accelerators(smallest.count, smallest.memory, smallest.model)
    if pool.sharing.mig is not None:
        profile = mig_profiles(smallest)[pool.sharing.mig]
        return Accelerators(
            count=smallest.count * profile.parts,
            memory=int(smallest.memory * profile.memory),
            model=smallest.model,
            resource=f"nvidia.com/mig-{pool.sharing.mig}",
            fraction=Fraction(1, profile.parts),
        )
    replicas = pool.sharing.time_slicing or 1
    return Accelerators(
        count=smallest.count * replicas,
        memory=smallest.memory // replicas,
        model=smallest.model,
        fraction=Fraction(1, replicas),
        isolated=False,
    )
