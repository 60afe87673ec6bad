"""Tell what AWS offers: instance types, GPUs and their MIG profiles, regions, versions of EKS, and prices.

The facts are in aws.json, with a source per block; a test compares what DescribeInstanceTypes answers. Files of the
user's own (`slipway catalog update`), beside the settings, are preferred to it, region by region and type by type:
`prefer` takes them. What is said here beyond them:

- Spot factor: mean spot price over on-demand price in us-east-1, us-west-2, eu-west-1 and eu-central-1,
  ec2instances.info of 2025-05-28: median 0.40, three quarters of them at most 0.45, the highest 0.65.
- EKS control plane: https://aws.amazon.com/eks/pricing/, 2026-10-06. KMS key: https://aws.amazon.com/kms/pricing/.
  Public address: https://aws.amazon.com/vpc/pricing/, since 2024-02-01.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import TypeVar

from slipway.catalog.facts import Cards, CatalogueFile, GatewayFacts, RegionFacts, TypeFacts
from slipway.catalog.mig import MIG, MigProfile

_MI = 2**20
_T = TypeVar("_T")

NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones, by the ids that are the same in every account, in which EKS makes no control plane: Amazon EKS User Guide,
"VPC and subnet considerations"."""


@dataclass(frozen=True, slots=True)
class GpuCards:
    """The GPUs of an instance type: what the maker calls them, how many, and bytes of memory of each."""

    model: str
    count: int
    memory: int


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One instance type.

    Attributes:
        name: `g6.2xlarge`.
        vcpu: virtual CPUs.
        memory: bytes.
        architecture: `amd64` or `arm64`, as Kubernetes writes it.
        cpu_features: as `slipway.catalog.cpu` names them.
        gpu: its GPUs, or None.
        neuron: its Inferentia or Trainium devices, or None. No pool has them: no runtime of Slipway's computes there.
        network_gbps: bandwidth that lasts, in gigabits per second.
        max_pods: addresses for pods without prefix delegation, as nodeadm counts them; see `_max_pods`.
        storage_gb: gigabytes of its own disks; 0 for none.
        hourly_usd: on-demand price by region; only regions that offer it and whose price is known.
        spot_hourly_usd: spot price by region, where the account was asked; elsewhere it is estimated.
        offered: zones that offer it by account and region, where an account was asked.
    """

    name: str
    vcpu: int
    memory: int
    architecture: str
    cpu_features: frozenset[str]
    gpu: GpuCards | None
    neuron: GpuCards | None
    network_gbps: float
    max_pods: int
    storage_gb: int
    hourly_usd: Mapping[str, Decimal]
    spot_hourly_usd: Mapping[str, Decimal]
    offered: Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Region:
    """One region: its zones, and what the parts of a network and of a disk cost there; None where nobody knows.

    Attributes:
        zones: names of those in which EKS makes a control plane; what stands behind a name differs between accounts.
        nat_hourly_usd: a NAT gateway.
        endpoint_hourly_usd: an interface endpoint, in each zone.
        disk_monthly_usd: a gigabyte of gp3 disk.
        gateway: what the parts of a gateway cost.
    """

    zones: tuple[str, ...]
    nat_hourly_usd: Decimal | None
    endpoint_hourly_usd: Decimal | None
    disk_monthly_usd: Decimal | None
    gateway: GatewayFacts | None


@dataclass(frozen=True, slots=True)
class Support:
    """How long AWS supports a version of Kubernetes: at the usual price, then at the extended one, then no more."""

    standard_until: date
    extended_until: date


CONTROL_PLANE_HOURLY_USD = Decimal("0.10")
CONTROL_PLANE_EXTENDED_HOURLY_USD = Decimal("0.60")
"""Price of a control plane whose Kubernetes is past its standard support, the usual price included."""

KEY_MONTHLY_USD = Decimal("1")
"""A key in KMS; each of the first two rotations adds as much."""

PUBLIC_ADDRESS_HOURLY_USD = Decimal("0.005")
"""A public IPv4 address, as each NAT gateway has."""

BASTION_INSTANCE_TYPE = "t4g.nano"
BASTION_HOURLY_USD: Mapping[str, Decimal] = {
    "us-east-1": Decimal("0.0042"),
    "us-west-2": Decimal("0.0042"),
    "eu-west-1": Decimal("0.0046"),
    "eu-central-1": Decimal("0.0048"),
}
"""Of the same table as the prices of nodes; no node is so small."""

SPOT_FACTOR = Decimal("0.45")
"""Estimate of what spot capacity costs of the on-demand price; the real price changes by the hour."""

HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All facts together.

    Attributes:
        files: whose they are, the shipped one first.
        zones: of a region as an account has them, by account and region, where an account was asked.
    """

    files: tuple[CatalogueFile, ...]
    types: Mapping[str, InstanceType]
    regions: Mapping[str, Region]
    zones: Mapping[tuple[str, str], tuple[str, ...]]
    eks_versions: Mapping[str, Support]


@lru_cache(maxsize=1)
def shipped() -> CatalogueFile:
    """What Slipway ships. Read once, when something first asks for it."""
    return CatalogueFile.model_validate_json(resources.files(__package__).joinpath("aws.json").read_bytes())


_preferred: tuple[CatalogueFile, ...] = ()


def prefer(files: Sequence[CatalogueFile]) -> None:
    """Prefer files of the user's, the later ones most, to what is shipped.

    They are facts of the world, as the date is: whoever reads a folder of settings calls this once, and everything that
    follows from those settings sees the same catalogue (ADR 0082).
    """
    global _preferred  # noqa: PLW0603 - see above
    _preferred = tuple(files)


def catalogue() -> Catalogue:
    """What holds now."""
    return _merged(tuple(map(_ById, (shipped(), *_preferred))))


class _ById:
    """A file as a key: it is frozen, and to hash a thousand prices costs more than to merge them."""

    __slots__ = ("file",)

    def __init__(self, file: CatalogueFile) -> None:
        self.file = file

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and self.file is other.file

    def __hash__(self) -> int:
        return id(self.file)


@lru_cache(maxsize=4)
def _merged(keys: tuple[_ById, ...]) -> Catalogue:
    files = tuple(key.file for key in keys)
    types: dict[str, InstanceType] = {}
    regions: dict[str, Region] = {}
    zones: dict[tuple[str, str], tuple[str, ...]] = {}
    versions: dict[str, Support] = {}
    for file in files:
        for name, facts in file.types.items():
            types[name] = _type(name, facts, types.get(name), file.account)
        if file.account is not None:
            zones |= {(file.account, name): facts.zones for name, facts in file.regions.items()}
        regions |= {name: _region(facts, regions.get(name)) for name, facts in file.regions.items()}
        versions |= {name: Support(one.standard_until, one.extended_until) for name, one in file.eks_versions.items()}
    return Catalogue(files, types, regions, zones, dict(sorted(versions.items())))


def _type(name: str, facts: TypeFacts, before: InstanceType | None, account: str | None) -> InstanceType:
    """One type; prices of regions that a later file does not have stay."""
    return InstanceType(
        name,
        facts.vcpu,
        facts.memory_mib * _MI,
        facts.architecture,
        frozenset(facts.cpu_features),
        _cards(facts.gpu),
        _cards(facts.neuron),
        facts.network_gbps,
        _max_pods(facts),
        facts.storage_gb,
        {**(before.hourly_usd if before else {}), **facts.hourly_usd},
        {**(before.spot_hourly_usd if before else {}), **facts.spot_hourly_usd},
        {**(before.offered if before else {}), **{(account or "", region): z for region, z in facts.offered.items()}},
    )


def _cards(cards: Cards | None) -> GpuCards | None:
    return GpuCards(cards.model, cards.count, cards.memory_mib * _MI) if cards else None


def _max_pods(facts: TypeFacts) -> int:
    """Of each interface one address is its own; two pods, of the network and of the proxy, are on the host's.

    nodeadm of github.com/awslabs/amazon-eks-ami, GetClassicMaxPods, and its table eni-max-pods.txt.
    """
    return facts.interfaces * (facts.addresses - 1) + 2


def _region(facts: RegionFacts, before: Region | None) -> Region:
    """One region; what a later file does not know stays, and so do the zones, which are those of an account."""
    return Region(
        before.zones if before else facts.zones,
        facts.nat_hourly_usd or (before.nat_hourly_usd if before else None),
        facts.endpoint_hourly_usd or (before.endpoint_hourly_usd if before else None),
        facts.disk_monthly_usd or (before.disk_monthly_usd if before else None),
        facts.gateway or (before.gateway if before else None),
    )


class _Now(Mapping[str, _T]):
    """A part of what holds now, read when it is used: a command that asks nothing of AWS does without."""

    def __init__(self, part: Callable[[Catalogue], Mapping[str, _T]]) -> None:
        self._part = part

    def __getitem__(self, key: str) -> _T:
        return self._part(catalogue())[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._part(catalogue()))

    def __len__(self) -> int:
        return len(self._part(catalogue()))

    def values(self) -> ValuesView[_T]:
        """All of them at once: the plan of a thousand models goes through them often."""
        return self._part(catalogue()).values()


INSTANCE_TYPES: Mapping[str, InstanceType] = _Now(lambda now: now.types)
REGIONS: Mapping[str, Region] = _Now(lambda now: now.regions)
EKS_VERSIONS: Mapping[str, Support] = _Now(lambda now: now.eks_versions)


def zones_of(region: str, account: str) -> tuple[str, ...]:
    """Names of the zones of a region, as the account has them where it was asked."""
    return catalogue().zones.get((account, region)) or REGIONS[region].zones


def instance(name: str) -> InstanceType | None:
    """The instance type of that name, if the catalogue has it."""
    return INSTANCE_TYPES.get(name)


def instances_with(accelerator: str, gpus: int | None, region: str) -> tuple[InstanceType, ...]:
    """Instance types that a region offers, cheapest first.

    Args:
        accelerator: what the maker calls the GPU; `cpu` and `graviton` for none, on x86 and on Arm.
        gpus: of one instance; any for None.
        region: that offers them.
    """
    offered = [
        instance
        for instance in INSTANCE_TYPES.values()
        if region in instance.hourly_usd
        and accelerator_of(instance) == accelerator
        and (gpus is None or (instance.gpu is not None and instance.gpu.count == gpus))
    ]
    return tuple(sorted(offered, key=lambda instance: (instance.hourly_usd[region], instance.name)))


def accelerator_of(instance: InstanceType) -> str:
    """What settings call the accelerator of an instance type: its GPU, else `cpu` or `graviton`."""
    if cards := instance.gpu or instance.neuron:
        return cards.model
    return "graviton" if instance.architecture == "arm64" else "cpu"


def mig_profiles(gpu: GpuCards) -> Mapping[str, MigProfile]:
    """The MIG profiles of a GPU; none where it cannot be cut."""
    return MIG.get((gpu.model, gpu.memory), {})
