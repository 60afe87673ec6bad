"""Tell what AWS offers: instance types, GPUs and their MIG profiles, regions, versions of EKS, and prices.

Where the facts are from:

- vCPU, memory, architecture, GPUs, lasting network bandwidth and where a type is offered: answers of EC2's
  DescribeInstanceTypes and DescribeInstanceTypeOfferings as moto 5.2.5 carries them; a test compares every one.
- CPU features: processor by family, https://aws.amazon.com/ec2/instance-types/ (m6i Ice Lake; m7i, c7i, r7i Sapphire
  Rapids; g4dn, p4d Cascade Lake; g5, g6, g6e, p5 AMD EPYC of the second and third generation, without AVX-512). VNNI
  came to Intel's AVX-512 with Cascade Lake.
- On-demand prices, Linux, shared tenancy: the table of ec2instances.info of 2025-05-28 (its Go module
  github.com/cristim/ec2-instances-info), of p4d, p4de and p5, which AWS made cheaper in June 2025, that of
  github.com/skypilot-org/skypilot-catalog, catalogs/v8/aws/vms.csv at commit 00148f2a. Those of us-east-1 are equal to
  AWS's own table in Karpenter v1.15.1, generated 2026-07-20, type by type; prices elsewhere were not checked later.
- Spot factor: mean spot price over on-demand price of the types here in the four regions, ec2instances.info of
  2025-05-28: median 0.40, three quarters of them at most 0.45, the highest 0.65.
- MIG: NVIDIA Multi-Instance GPU User Guide, "Supported MIG Profiles", and the default configuration of
  nvidia-mig-manager.
- EKS versions: Amazon EKS User Guide, "Amazon EKS Kubernetes release calendar", as quoted on 2026-04-24;
  1.36 as AWS answered on 2026-09-23.
- EKS control plane: https://aws.amazon.com/eks/pricing/, 2026-10-06. KMS key: https://aws.amazon.com/kms/pricing/.
  Public address: https://aws.amazon.com/vpc/pricing/, since 2024-02-01.
- NAT gateway, interface endpoint, gp3 disk: AWS Price List as quoted for us-east-1 on 2025-10-28 and 2026-06-01,
  us-west-2 on 2026-10-04 and 2026-10-06, eu-central-1 on 2026-09-09, eu-west-1 (NAT) on 2026-10-02; the endpoint of
  eu-west-1 follows from a bill with 8 % off, and the gp3 prices of eu-west-1 and the NAT of eu-central-1 were found in
  copies of the list without a date.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

_MI = 2**20
_GI = 2**30


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
        network_gbps: bandwidth that lasts, in gigabits per second.
        hourly_usd: on-demand price by region; only regions that offer it.
    """

    name: str
    vcpu: int
    memory: int
    architecture: str
    cpu_features: frozenset[str]
    gpu: GpuCards | None
    network_gbps: float
    hourly_usd: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Region:
    """One region: its zones, and what the parts of a network and of a disk cost there.

    Attributes:
        zones: names of its zones; what stands behind a name differs between accounts.
        nat_hourly_usd: a NAT gateway.
        endpoint_hourly_usd: an interface endpoint, in each zone.
        disk_monthly_usd: a gigabyte of gp3 disk.
    """

    zones: tuple[str, ...]
    nat_hourly_usd: Decimal
    endpoint_hourly_usd: Decimal
    disk_monthly_usd: Decimal


@dataclass(frozen=True, slots=True)
class MigProfile:
    """One way to cut a GPU: how many parts it gives, and how much of the GPU's memory each of them has."""

    parts: int
    memory: Fraction


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


def _zones(region: str, letters: str) -> tuple[str, ...]:
    return tuple(region + letter for letter in letters)


def _region(name: str, letters: str, nat: str, endpoint: str, disk: str) -> tuple[str, Region]:
    return name, Region(_zones(name, letters), Decimal(nat), Decimal(endpoint), Decimal(disk))


REGIONS: Mapping[str, Region] = dict(
    (
        _region("us-east-1", "abcdef", "0.045", "0.01", "0.08"),
        _region("us-west-2", "abcd", "0.045", "0.01", "0.08"),
        _region("eu-west-1", "abc", "0.048", "0.011", "0.088"),
        _region("eu-central-1", "abc", "0.052", "0.012", "0.0952"),
    )
)

EKS_VERSIONS: Mapping[str, Support] = {
    "1.30": Support(date(2025, 7, 23), date(2026, 7, 23)),
    "1.31": Support(date(2025, 11, 26), date(2026, 11, 26)),
    "1.32": Support(date(2026, 3, 23), date(2027, 3, 23)),
    "1.33": Support(date(2026, 7, 29), date(2027, 7, 29)),
    "1.34": Support(date(2026, 12, 2), date(2027, 12, 2)),
    "1.35": Support(date(2027, 3, 27), date(2028, 3, 27)),
    "1.36": Support(date(2027, 8, 2), date(2028, 8, 2)),
}

_MIG_80: Mapping[str, MigProfile] = {
    "1g.10gb": MigProfile(7, Fraction(1, 8)),
    "1g.20gb": MigProfile(4, Fraction(1, 4)),
    "2g.20gb": MigProfile(3, Fraction(1, 4)),
    "3g.40gb": MigProfile(2, Fraction(1, 2)),
    "4g.40gb": MigProfile(1, Fraction(1, 2)),
    "7g.80gb": MigProfile(1, Fraction(1)),
}
_MIG_40: Mapping[str, MigProfile] = {
    "1g.5gb": MigProfile(7, Fraction(1, 8)),
    "1g.10gb": MigProfile(4, Fraction(1, 4)),
    "2g.10gb": MigProfile(3, Fraction(1, 4)),
    "3g.20gb": MigProfile(2, Fraction(1, 2)),
    "4g.20gb": MigProfile(1, Fraction(1, 2)),
    "7g.40gb": MigProfile(1, Fraction(1)),
}
_MIG: Mapping[tuple[str, int], Mapping[str, MigProfile]] = {
    ("A100", 40 * _GI): _MIG_40,
    ("A100", 80 * _GI): _MIG_80,
    ("H100", 80 * _GI): _MIG_80,
}

_AVX512 = frozenset({"avx2", "avx512", "vnni"})
_AMX = _AVX512 | {"amx"}
_FAMILIES: Mapping[str, tuple[str, frozenset[str], tuple[str, int] | None]] = {
    "m6i": ("amd64", _AVX512, None),
    "m7i": ("amd64", _AMX, None),
    "c7i": ("amd64", _AMX, None),
    "r7i": ("amd64", _AMX, None),
    "m7g": ("arm64", frozenset(), None),
    "c7g": ("arm64", frozenset(), None),
    "r7g": ("arm64", frozenset(), None),
    "m8g": ("arm64", frozenset(), None),
    "g4dn": ("amd64", _AVX512, ("T4", 16 * _GI)),
    "g5": ("amd64", frozenset({"avx2"}), ("A10G", 22888 * _MI)),
    "g6": ("amd64", frozenset({"avx2"}), ("L4", 22888 * _MI)),
    "g6e": ("amd64", frozenset({"avx2"}), ("L40S", 45776 * _MI)),
    "p4d": ("amd64", _AVX512, ("A100", 40 * _GI)),
    "p4de": ("amd64", _AVX512, ("A100", 80 * _GI)),
    "p5": ("amd64", frozenset({"avx2"}), ("H100", 80 * _GI)),
}


def _type(name: str, vcpu: int, memory_gib: int, gpus: int, network_gbps: float, *prices: str | None) -> InstanceType:
    architecture, features, card = _FAMILIES[name.partition(".")[0]]
    hourly = {region: Decimal(price) for region, price in zip(REGIONS, prices, strict=True) if price is not None}
    gpu = GpuCards(card[0], gpus, card[1]) if card else None
    return InstanceType(name, vcpu, memory_gib * _GI, architecture, features, gpu, network_gbps, hourly)


# Name, vCPU, GiB of memory, GPUs, Gbit/s, and US dollars an hour in the regions in the order of REGIONS.
_TYPES = (
    _type("m6i.large", 2, 8, 0, 0.781, "0.096", "0.096", "0.107", "0.115"),
    _type("m6i.xlarge", 4, 16, 0, 1.562, "0.192", "0.192", "0.214", "0.23"),
    _type("m6i.2xlarge", 8, 32, 0, 3.125, "0.384", "0.384", "0.428", "0.46"),
    _type("m6i.4xlarge", 16, 64, 0, 6.25, "0.768", "0.768", "0.856", "0.92"),
    _type("m7i.large", 2, 8, 0, 0.781, "0.1008", "0.1008", "0.11235", "0.12075"),
    _type("m7i.xlarge", 4, 16, 0, 1.562, "0.2016", "0.2016", "0.2247", "0.2415"),
    _type("m7i.2xlarge", 8, 32, 0, 3.125, "0.4032", "0.4032", "0.4494", "0.483"),
    _type("m7i.4xlarge", 16, 64, 0, 6.25, "0.8064", "0.8064", "0.8988", "0.966"),
    _type("m7i.8xlarge", 32, 128, 0, 12.5, "1.6128", "1.6128", "1.7976", "1.932"),
    _type("c7i.xlarge", 4, 8, 0, 1.562, "0.1785", "0.1785", "0.19152", "0.2037"),
    _type("c7i.2xlarge", 8, 16, 0, 3.125, "0.357", "0.357", "0.38304", "0.4074"),
    _type("c7i.4xlarge", 16, 32, 0, 6.25, "0.714", "0.714", "0.76608", "0.8148"),
    _type("r7i.xlarge", 4, 32, 0, 1.562, "0.2646", "0.2646", "0.2961", "0.3192"),
    _type("r7i.2xlarge", 8, 64, 0, 3.125, "0.5292", "0.5292", "0.5922", "0.6384"),
    _type("r7i.4xlarge", 16, 128, 0, 6.25, "1.0584", "1.0584", "1.1844", "1.2768"),
    _type("m7g.large", 2, 8, 0, 0.937, "0.0816", "0.0816", "0.091", "0.0978"),
    _type("m7g.xlarge", 4, 16, 0, 1.876, "0.1632", "0.1632", "0.1819", "0.1955"),
    _type("m7g.2xlarge", 8, 32, 0, 3.75, "0.3264", "0.3264", "0.3638", "0.391"),
    _type("m7g.4xlarge", 16, 64, 0, 7.5, "0.6528", "0.6528", "0.7276", "0.7821"),
    _type("c7g.xlarge", 4, 8, 0, 1.876, "0.145", "0.145", "0.155", "0.1649"),
    _type("c7g.2xlarge", 8, 16, 0, 3.75, "0.29", "0.29", "0.3101", "0.3298"),
    _type("r7g.xlarge", 4, 32, 0, 1.876, "0.2142", "0.2142", "0.2397", "0.2584"),
    _type("r7g.2xlarge", 8, 64, 0, 3.75, "0.4284", "0.4284", "0.4794", "0.5168"),
    _type("m8g.large", 2, 8, 0, 0.937, "0.08976", "0.08976", "0.10004", "0.10754"),
    _type("m8g.xlarge", 4, 16, 0, 1.875, "0.17952", "0.17952", "0.20008", "0.21508"),
    _type("m8g.2xlarge", 8, 32, 0, 3.75, "0.35904", "0.35904", "0.40016", "0.43016"),
    _type("g4dn.xlarge", 4, 16, 1, 5, "0.526", "0.526", "0.587", "0.658"),
    _type("g4dn.2xlarge", 8, 32, 1, 10, "0.752", "0.752", "0.838", "0.94"),
    _type("g4dn.4xlarge", 16, 64, 1, 20, "1.204", "1.204", "1.342", "1.505"),
    _type("g4dn.12xlarge", 48, 192, 4, 50, "3.912", "3.912", "4.362", "4.89"),
    _type("g5.xlarge", 4, 16, 1, 2.5, "1.006", "1.006", "1.123", "1.258"),
    _type("g5.2xlarge", 8, 32, 1, 5, "1.212", "1.212", "1.35296", "1.5156"),
    _type("g5.4xlarge", 16, 64, 1, 10, "1.624", "1.624", "1.81287", "2.03081"),
    _type("g5.12xlarge", 48, 192, 4, 40, "5.672", "5.672", "6.33167", "7.09282"),
    _type("g5.48xlarge", 192, 768, 8, 100, "16.288", "16.288", "18.18233", "20.3681"),
    _type("g6.xlarge", 4, 16, 1, 2.5, "0.8048", "0.8048", None, "1.0064"),
    _type("g6.2xlarge", 8, 32, 1, 5, "0.9776", "0.9776", None, "1.22249"),
    _type("g6.4xlarge", 16, 64, 1, 10, "1.3232", "1.3232", None, "1.65466"),
    _type("g6.12xlarge", 48, 192, 4, 40, "4.6016", "4.6016", None, "5.75429"),
    _type("g6.48xlarge", 192, 768, 8, 100, "13.3504", "13.3504", None, "16.69464"),
    _type("g6e.xlarge", 4, 32, 1, 2.5, "1.861", "1.861", None, "2.327"),
    _type("g6e.2xlarge", 8, 64, 1, 5, "2.24208", "2.24208", None, "2.8035"),
    _type("g6e.4xlarge", 16, 128, 1, 20, "3.00424", "3.00424", None, "3.75651"),
    _type("g6e.12xlarge", 48, 384, 4, 100, "10.49264", "10.49264", None, "13.12002"),
    _type("g6e.48xlarge", 192, 1536, 8, 400, "30.13118", "30.13118", None, "37.67612"),
    _type("p4d.24xlarge", 96, 1152, 8, 400, "21.957642", "21.95764", "23.71569", "27.43298"),
    _type("p4de.24xlarge", 96, 1152, 8, 400, "27.44705", "27.44705", None, "34.29122"),
    _type("p5.4xlarge", 16, 256, 1, 100, "6.88", "6.88", None, None),
    _type("p5.48xlarge", 192, 2048, 8, 3200, "55.04", "55.04", None, None),
)
INSTANCE_TYPES: Mapping[str, InstanceType] = {instance.name: instance for instance in _TYPES}


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
        for instance in _TYPES
        if region in instance.hourly_usd
        and accelerator_of(instance) == accelerator
        and (gpus is None or (instance.gpu is not None and instance.gpu.count == gpus))
    ]
    return tuple(sorted(offered, key=lambda instance: (instance.hourly_usd[region], instance.name)))


def accelerator_of(instance: InstanceType) -> str:
    """What settings call the accelerator of an instance type: its GPU, else `cpu` or `graviton`."""
    if instance.gpu:
        return instance.gpu.model
    return "graviton" if instance.architecture == "arm64" else "cpu"


def mig_profiles(gpu: GpuCards) -> Mapping[str, MigProfile]:
    """The MIG profiles of a GPU; none where it cannot be cut."""
    return _MIG.get((gpu.model, gpu.memory), {})
