"""Hold what a node pool can hold, whatever kind of environment it is in: the plan's view of a pool."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from slipway.settings.kubernetes import Taint


@dataclass(frozen=True, slots=True)
class Accelerators:
    """The GPUs of one node, as Kubernetes counts them.

    Attributes:
        count: units that a node offers: GPUs, or parts of GPUs where replicas share them.
        memory: bytes of one unit; where replicas take turns, its even share.
        model: what the maker calls the GPU, `A10G`.
        resource: the name under which a pod asks for a unit: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`.
        fraction: of a GPU that one unit is; 1 where GPUs are not shared.
        isolated: whether a unit's memory is its own; false where replicas take turns.
    """

    count: int
    memory: int
    model: str
    resource: str = "nvidia.com/gpu"
    fraction: Fraction = Fraction(1)
    isolated: bool = True


@dataclass(frozen=True, slots=True)
class Pool:
    """One node pool.

    Attributes:
        name: unique in the environment.
        min_nodes: nodes that always run.
        max_nodes: nodes at the highest load.
        cpu: thousandths of a core of one node that are left for models.
        memory: bytes of one node that are left for models.
        gpu: GPUs of one node, or None.
        selector: labels that all its nodes have and no others.
        taints: of all its nodes.
        reserved_by: keys of those taints that keep a model off which does not name them.
        architecture: `amd64` or `arm64`.
        cpu_features: of every node, as `slipway.catalog.cpu` names them; empty where nobody says it.
        region: of its nodes, where there are regions.
        zones: of its nodes.
        instance_types: the first preferred; empty where there are none.
        hourly_usd: price of one on-demand node of the first type; None where nothing is charged by the hour.
        spot_hourly_usd: the same as spot, an estimate; None where the pool is not spot.
        spot: whether its nodes may be taken back.
        on_demand_nodes: nodes of it that are never spot.
        fallback: whether on-demand nodes take over when there is no spot capacity.
        pods: replicas that one node takes at most, however small; None where nobody says it.
        reserved: whether its nodes come from a capacity reservation.
    """

    name: str
    min_nodes: int
    max_nodes: int
    cpu: int
    memory: int
    gpu: Accelerators | None
    selector: dict[str, str]
    taints: tuple[Taint, ...]
    architecture: str = "amd64"
    cpu_features: frozenset[str] = field(default_factory=frozenset)
    region: str | None = None
    zones: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    hourly_usd: Decimal | None = None
    spot_hourly_usd: Decimal | None = None
    spot: bool = False
    on_demand_nodes: int = 0
    fallback: bool = False
    pods: int | None = None
    reserved: bool = False
    reserved_by: tuple[str, ...] = ()
