"""Say what a file of facts about AWS has: what Slipway ships, aws.json, or what `slipway catalog update` wrote."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Usd = Annotated[Decimal, Field(gt=0, lt=100_000, allow_inf_nan=False)]
RegionKey = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
ZoneKey = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")]
TypeKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$", max_length=40)]
Minor = Annotated[str, StringConstraints(pattern=r"^1\.[0-9]{2}$")]
Count = Annotated[int, Field(gt=0, lt=100_000_000)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cards(_Facts):
    """The accelerators of an instance type: what the maker calls them, how many, and MiB of memory of each."""

    model: str
    count: Count
    memory_mib: Count


class TypeFacts(_Facts):
    """One instance type.

    Attributes:
        gpu: its GPUs of NVIDIA's.
        neuron: its Inferentia or Trainium devices.
        network_gbps: bandwidth that lasts, in gigabits per second.
        interfaces: network interfaces of its first network card, which are those that pods get addresses from.
        addresses: private IPv4 addresses of each interface, its own included.
        storage_gb: gigabytes of its own disks; 0 for none.
        hourly_usd: on-demand price by region; only regions that offer it and whose price is known.
        spot_hourly_usd: mean spot price of the zones, by region, where somebody asked.
        offered: zones that offer it, by region, where somebody asked.
    """

    vcpu: Count
    memory_mib: Count
    architecture: Literal["amd64", "arm64"]
    cpu_features: tuple[Literal["avx2", "avx512", "vnni", "amx"], ...] = ()
    gpu: Cards | None = None
    neuron: Cards | None = None
    network_gbps: Annotated[float, Field(gt=0, lt=100_000)]
    interfaces: Count
    addresses: Annotated[int, Field(ge=2, le=1000)]
    storage_gb: Annotated[int, Field(ge=0)] = 0
    hourly_usd: Mapping[RegionKey, Usd]
    spot_hourly_usd: Mapping[RegionKey, Usd] = {}
    offered: Mapping[RegionKey, tuple[ZoneKey, ...]] = {}


class GatewayFacts(_Facts):
    """What the parts of a gateway cost in a region; see `slipway.catalog.aws_gateway.GatewayPrices`."""

    balancer_hourly_usd: Usd
    disk_monthly_usd: Usd
    database_hourly_usd: Mapping[str, Usd]


class RegionFacts(_Facts):
    """One region; prices that nobody found are left out. See `slipway.catalog.aws.Region`."""

    zones: tuple[ZoneKey, ...]
    nat_hourly_usd: Usd | None = None
    endpoint_hourly_usd: Usd | None = None
    disk_monthly_usd: Usd | None = None
    gateway: GatewayFacts | None = None


class SupportFacts(_Facts):
    """How long AWS supports a version of Kubernetes."""

    standard_until: date
    extended_until: date


class CatalogueFile(_Facts):
    """A file of facts.

    Attributes:
        version: of this format.
        date: day that the file is of.
        sources: where each block is from, for people.
        account: whose account was asked; None for what Slipway ships.
        gpu_tflops: thousands of billions of FP16 operations a second, dense, by GPU.
        eks_versions: by minor version.
    """

    version: Literal[1]
    date: date
    sources: Mapping[str, str]
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None = None
    gpu_tflops: Mapping[str, Count] = {}
    eks_versions: Mapping[Minor, SupportFacts] = {}
    regions: Mapping[RegionKey, RegionFacts] = {}
    types: Mapping[TypeKey, TypeFacts] = {}


def text_of(file: CatalogueFile) -> str:
    """A file as it is written: one line a region and a type, so that a change is read in review."""
    values = file.model_dump(mode="json", exclude_defaults=True)
    parts = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(one)}" for key, one in value.items())
            parts.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}")
        else:
            parts.append(f"  {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
