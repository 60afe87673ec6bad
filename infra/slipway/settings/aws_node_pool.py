"""Define what a person may write about one node pool on AWS, and validate it against the catalogue."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from slipway.catalog.aws import INSTANCE_TYPES, InstanceType, accelerator_of, instances_with, mig_profiles
from slipway.settings.aws_values import InstanceTypeName, MigName, PoolName, Reservation, Zone
from slipway.settings.kubernetes import Taint, refuse_repeated
from slipway.settings.values import LabelKey, LabelValue
from slipway.values.enclaves import refuse_enclaves
from slipway.values.quantities import Truth, format_bytes, parse_bytes, refusal
from slipway.values.section import Section, number

_NOT_COMPUTED_ON = {
    "V100": "a V100, which CUDA 13 of Slipway's images no longer computes on",
    "Inferentia": "no GPU: no runtime of Slipway's computes on Neuron devices",
    "Inferentia2": "no GPU: no runtime of Slipway's computes on Neuron devices",
    "Trainium": "no GPU: no runtime of Slipway's computes on Neuron devices",
}
"""Accelerators of the catalogue that no pool can have, and why (https://docs.nvidia.com/cuda/archive/13.0.0, release
notes, "Deprecated Architectures")."""


def _accelerator(value: object) -> object:
    if isinstance(value, str) and value in _NOT_COMPUTED_ON:
        raise refusal(f"is {_NOT_COMPUTED_ON[value]}", "cpu, graviton, or a GPU from T4 on", "write for example L4")
    return value


Accelerator = Annotated[
    Literal["cpu", "graviton", "T4", "A10G", "L4", "L40S", "A100", "H100", "H200", "B200"],
    BeforeValidator(_accelerator),
]

_GI = 2**30
_DISK_LEAST = 20 * _GI
_DISK_MOST = 2**44
_RESERVED = ("slipway.dev", "nvidia.com", "eks.amazonaws.com", "kubernetes.io", "k8s.io")
"""Prefixes of labels and taints that Slipway, the GPU operator, EKS and Kubernetes set themselves."""


def _disk(value: object) -> int:
    allowed = "20Gi to 16Ti, whole Gi"
    if type(value) in (int, float):
        raise refusal("has no unit", allowed, f"write for example {value}Gi")
    size = parse_bytes(value)
    if not _DISK_LEAST <= size <= _DISK_MOST:
        raise refusal("is out of range", allowed, f"write {'20Gi' if size < _DISK_LEAST else '16Ti'}")
    if size % _GI:
        raise refusal("is not a whole number of Gi", allowed, f"write {-(-size // _GI)}Gi")
    return size


Disk = Annotated[
    int, BeforeValidator(_disk), PlainSerializer(format_bytes), WithJsonSchema({"type": "string", "maxLength": 22})
]


class Spot(Section):
    """Spare capacity at a lower price, which AWS may take back with two minutes' notice."""

    on_demand_nodes: Annotated[int, *number(0, 5000)] = Field(
        default=0,
        description="Nodes that are always there and never spot; they hold the replicas that must always be there.",
        examples=[1],
    )
    fallback: Truth = Field(
        default=True, description="Whether on-demand nodes take over when there is no spot capacity.", examples=[True]
    )


class Sharing(Section):
    """How several replicas share one GPU: in turn (`time_slicing`), or each on a part of its own (`mig`)."""

    time_slicing: Annotated[int, *number(2, 16)] | None = Field(
        default=None,
        description="Replicas that take turns on a GPU, without a wall between their memory.",
        examples=[4],
    )
    mig: MigName | None = Field(
        default=None, description="MIG profile that every GPU is cut into.", examples=["1g.10gb"]
    )

    @model_validator(mode="after")
    def _one_way_to_share(self) -> Self:
        allowed = "one of time_slicing and mig"
        if self.time_slicing is not None and self.mig is not None:
            raise refusal("mig is there beside time_slicing", allowed, "remove one of the two", ("mig",))
        if self.time_slicing is None and self.mig is None:
            raise refusal("is empty", allowed, "add one, or remove sharing")
        return self


class AwsNodePool(Section):
    """Nodes of one kind, which Karpenter starts: a NodePool, or two where some of a spot pool's are never spot."""

    name: PoolName = Field(description="Name of the pool; no two pools share one.", examples=["gpu-l4"])
    accelerator: Accelerator = Field(
        default="cpu",
        description="GPU of the nodes; `cpu` for none, `graviton` for none and Arm cores.",
        examples=["L4"],
    )
    gpus: Annotated[int, *number(1, 8)] | None = Field(
        default=None, description="GPUs of one node; needed with a GPU.", examples=[1]
    )
    instance_types: tuple[InstanceTypeName, ...] = Field(
        default=(),
        description="Instance types, the first preferred; needed for `cpu` and `graviton`. When left out, the cheapest "
        "of the region with that accelerator and so many GPUs.",
        examples=[["g6.2xlarge", "g6.4xlarge"]],
    )
    min_nodes: Annotated[int, *number(0, 5000)] = Field(default=0, description="Nodes that always run.", examples=[0])
    max_nodes: Annotated[int, *number(1, 5000)] = Field(
        description="Nodes at the highest load, spot and on-demand together; of several types the smallest is counted.",
        examples=[4],
    )
    spot: Spot | None = Field(default=None, description="Spot capacity; on-demand nodes only when left out.")
    capacity_reservation: Reservation | None = Field(
        default=None,
        description="Capacity reservation or Capacity Block of the nodes; of one instance type and in one zone.",
        examples=["cr-0123456789abcdef0"],
    )
    zones: Annotated[tuple[Zone, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Zones of the nodes; all of the environment's when left out.",
        examples=[["eu-central-1a"]],
    )
    disk: Disk = Field(
        default=100 * _GI,
        description="Disk of a node, 20Gi to 16Ti.",
        examples=["100Gi"],
        json_schema_extra={"default": "100Gi"},
    )
    sharing: Sharing | None = Field(
        default=None, description="How replicas share a GPU; each has its own when left out."
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="More labels of the nodes.", examples=[{"example.com/team": "vision"}]
    )
    taints: tuple[Taint, ...] = Field(
        default=(), description="More taints; nodes with GPUs have nvidia.com/gpu=present:NoSchedule anyway."
    )

    @property
    def has_gpus(self) -> bool:
        """Whether its nodes have GPUs."""
        return self.accelerator not in ("cpu", "graviton")

    @model_validator(mode="before")
    @classmethod
    def _no_enclave(cls, section: Any) -> Any:
        return refuse_enclaves(section)

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if self.min_nodes > self.max_nodes:
            allowed = f"at most max_nodes, which is {self.max_nodes}"
            raise refusal(
                f"{self.min_nodes} is above max_nodes", allowed, "raise max_nodes or lower it", ("min_nodes",)
            )
        if self.spot and self.spot.on_demand_nodes >= self.max_nodes:
            problem = f"{self.spot.on_demand_nodes} leaves no node of max_nodes {self.max_nodes} for spot"
            allowed = f"0 to {self.max_nodes - 1}"
            raise refusal(problem, allowed, "lower it, raise max_nodes or remove spot", ("spot", "on_demand_nodes"))
        return self

    @model_validator(mode="after")
    def _gpus_as_the_accelerator_says(self) -> Self:
        if self.has_gpus and self.gpus is None:
            problem = f"is missing, though accelerator is {self.accelerator}"
            raise refusal(problem, "GPUs of one node, 1 to 8", "add for example gpus: 1", ("gpus",))
        if not self.has_gpus and self.gpus is not None:
            allowed = "no gpus, or an accelerator with GPUs"
            todo = "remove gpus, or write for example accelerator: L4"
            raise refusal(f"{self.gpus}, though accelerator {self.accelerator} has none", allowed, todo, ("gpus",))
        if not self.has_gpus and not self.instance_types:
            example = "m7g.2xlarge" if self.accelerator == "graviton" else "m7i.2xlarge"
            problem = f"is missing, though accelerator is {self.accelerator}"
            todo = f"add for example instance_types: [{example}]"
            raise refusal(problem, "at least one instance type", todo, ("instance_types",))
        return self

    @model_validator(mode="after")
    def _instance_types_match(self) -> Self:
        refuse_repeated(self.instance_types, ("instance_types",))
        matching = [t for t in INSTANCE_TYPES.values() if self._matches(t)]
        allowed = ", ".join(instance.name for instance in matching) or "another accelerator or other gpus"
        what = f"{self.gpus} {self.accelerator}" if self.has_gpus else self.accelerator
        for index, name in enumerate(self.instance_types):
            instance = INSTANCE_TYPES[name]
            if not self._matches(instance):
                cards = f"{instance.gpu.count} {instance.gpu.model}" if instance.gpu else accelerator_of(instance)
                problem = f"{name} has {cards}, the pool {what}"
                todo = f"write for example {matching[0].name}" if matching else "correct accelerator and gpus"
                raise refusal(problem, allowed, todo, ("instance_types", index))
        if not matching:
            problem = f"{self.gpus}: no instance type of the catalogue has {what}"
            counts = sorted({t.gpu.count for t in INSTANCE_TYPES.values() if t.gpu and t.gpu.model == self.accelerator})
            known = ", ".join(map(str, counts))
            raise refusal(problem, f"{known} with {self.accelerator}", f"write {counts[0]}", ("gpus",))
        return self

    def types(self, region: str) -> tuple[InstanceType, ...]:
        """Its instance types, the first preferred: those written, else the cheapest of the region."""
        if self.instance_types:
            return tuple(INSTANCE_TYPES[name] for name in self.instance_types)
        return instances_with(self.accelerator, self.gpus, region)[:1]

    def _matches(self, instance: InstanceType) -> bool:
        count = instance.gpu.count if instance.gpu else None
        return accelerator_of(instance) == self.accelerator and count == self.gpus

    @model_validator(mode="after")
    def _a_reservation_is_one_type_in_one_zone(self) -> Self:
        if self.capacity_reservation is None:
            return self
        name = self.capacity_reservation
        if self.spot:
            problem = f"{name}, though the pool is spot: reserved nodes are on-demand"
            raise refusal(problem, "one of the two", "remove spot or the reservation", ("capacity_reservation",))
        if len(self.instance_types) != 1:
            problem = f"has {len(self.instance_types)} entries, though {name} is of one type"
            raise refusal(problem, "one instance type", "write that of the reservation", ("instance_types",))
        if self.zones is None or len(self.zones) != 1:
            problem = f"has to be one, since {name} is in one zone"
            raise refusal(problem, "one zone", "write that of the reservation", ("zones",))
        return self

    @model_validator(mode="after")
    def _only_gpus_are_shared(self) -> Self:
        if self.sharing and not self.has_gpus:
            problem = f"needs GPUs, and accelerator {self.accelerator} has none"
            raise refusal(problem, "no sharing, or an accelerator with GPUs", "remove sharing", ("sharing",))
        return self

    @model_validator(mode="after")
    def _labels_and_taints_are_free(self) -> Self:
        for key in self.labels:
            _refuse_reserved(key, ("labels", key))
        for index, taint in enumerate(self.taints):
            _refuse_reserved(taint.key, ("taints", index, "key"))
        pairs = [f"{taint.key}:{taint.effect}" for taint in self.taints]
        refuse_repeated(pairs, ("taints",))
        return self


def _refuse_reserved(key: str, at: tuple[str | int, ...]) -> None:
    prefix, slash, _ = key.rpartition("/")
    owner = next((r for r in _RESERVED if slash and (prefix == r or prefix.endswith(f".{r}"))), None)
    if owner:
        allowed = f"keys without prefix, or with one other than {', '.join(_RESERVED)}"
        raise refusal(f"{key} belongs to {owner}", allowed, "write for example example.com/team", at)


def refuse_other_zones(zones: Sequence[str], known: Sequence[str], whose: str, path: tuple[str | int, ...]) -> None:
    """Refuse a zone that is not among those of the region or environment, or is there twice."""
    refuse_repeated(zones, path)
    for index, zone in enumerate(zones):
        if zone not in known:
            todo = f"write for example {known[0]}"
            raise refusal(f"{zone} is not a zone of {whose}", ", ".join(known), todo, (*path, index))


def refuse_wrong_mig(pool: AwsNodePool, region: str, at: tuple[str | int, ...]) -> None:
    """Refuse a MIG profile that the GPUs of a pool's instance types do not have."""
    mig = pool.sharing.mig if pool.sharing else None
    for instance in pool.types(region):
        if mig is None or instance.gpu is None:
            continue
        profiles = mig_profiles(instance.gpu)
        if not profiles:
            todo = "write time_slicing instead"
            raise refusal(f"{mig}: {instance.gpu.model} cannot be cut", "MIG on A100 and H100 only", todo, at)
        if mig not in profiles:
            problem = f"{mig} is not a profile of {instance.name}, whose GPUs have {format_bytes(instance.gpu.memory)}"
            raise refusal(problem, ", ".join(profiles), f"write for example {next(iter(profiles))}", at)
