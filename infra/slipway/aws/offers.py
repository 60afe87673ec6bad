"""Ask an account what it is offered in a region, and for what, as a file of facts.

Prices are of the Price List, which has two kinds of answers that look alike: only those for Linux, shared tenancy and
capacity that is used are of what a node costs.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

from slipway.aws.account import Account
from slipway.catalog.aws import INSTANCE_TYPES, NO_CONTROL_PLANE
from slipway.catalog.cpu import CpuFeature
from slipway.catalog.facts import CatalogueFile

Json = Mapping[str, Any]

PRICE_LIST_REGION = "us-east-1"
"""The Price List is asked there for every region (AWS Price List User Guide, "endpoints")."""

_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_LINUX = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
_PARTS = {
    "nat_hourly_usd": ("AmazonEC2", {"productFamily": "NAT Gateway"}, "NatGateway-Hours"),
    "endpoint_hourly_usd": ("AmazonVPC", {"productFamily": "VpcEndpoint"}, "VpcEndpoint-Hours"),
    "disk_monthly_usd": ("AmazonEC2", {"productFamily": "Storage", "volumeApiName": "gp3"}, "VolumeUsage.gp3"),
}
"""What has no instance type: service, attributes, and how its usage type ends behind the region's own beginning."""


def facts(
    account: Account,
    prices: Account,
    region: str,
    more: Sequence[str],
    now: datetime,
) -> CatalogueFile:
    """What the account is offered in a region: its zones, the types of some families, and their prices.

    Args:
        account: in the region.
        prices: the same account in `PRICE_LIST_REGION`.
        region: that is asked about.
        more: families that the catalogue does not have: `m8a`. EC2 says no CPU features, so that theirs are not known.
        now: the time.

    Raises:
        AwsRefused: a call is refused.
        pydantic.ValidationError: an answer is not what a file of facts may have.
    """
    order = get_args(CpuFeature)
    features = {
        name.partition(".")[0]: [feature for feature in order if feature in one.cpu_features]
        for name, one in INSTANCE_TYPES.items()
    }
    families = sorted({*features, *more})
    patterns = [{"Name": "instance-type", "Values": [f"{family}.*" for family in families]}]
    described = {
        one["InstanceType"]: one
        for one in account.call("ec2", "describe_instance_types", Filters=patterns)["InstanceTypes"]
        if not one.get("BareMetal")
    }
    offered = _offered(account)
    hourly = dict(_hourly(prices, region))
    names = sorted(described.keys() & offered.keys() & hourly.keys())
    spot = _spot(account, names, now) if names else {}
    types = {}
    for name in names:
        own = list(features.get(name.partition(".")[0], ()))
        types[name] = _type(described[name]) | {"cpu_features": own}
        types[name] |= {"hourly_usd": {region: hourly[name]}, "offered": {region: offered[name]}}
        types[name] |= {"spot_hourly_usd": {region: spot[name]}} if name in spot else {}
    parts = {name: price for name, of in _PARTS.items() if (price := _part(prices, region, *of)) is not None}
    return CatalogueFile.model_validate(
        {
            "version": 1,
            "date": now.date(),
            "account": account.account,
            "sources": {
                "types": "DescribeInstanceTypes, DescribeInstanceTypeOfferings",
                "hourly_usd": "Price List, GetProducts: Linux, shared tenancy",
                "spot_hourly_usd": "DescribeSpotPriceHistory: mean of the zones",
                "zones": "DescribeAvailabilityZones, without those in which EKS makes no control plane",
                "eks_versions": "DescribeClusterVersions",
            },
            "regions": {region: {"zones": _zones(account)} | parts},
            "eks_versions": dict(_versions(account)),
            "types": types,
        }
    )


def _zones(account: Account) -> list[str]:
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    found = account.call("ec2", "describe_availability_zones", Filters=filters)["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in found if zone["ZoneId"] not in NO_CONTROL_PLANE)


def _offered(account: Account) -> dict[str, list[str]]:
    """Zones by type, of all types: a region has about a thousand."""
    found: dict[str, list[str]] = {}
    answer = account.call("ec2", "describe_instance_type_offerings", LocationType="availability-zone")
    for offer in answer["InstanceTypeOfferings"]:
        found.setdefault(offer["InstanceType"], []).append(offer["Location"])
    return {name: sorted(zones) for name, zones in found.items()}


def _type(one: Json) -> dict[str, Any]:
    """What EC2 says of a type; see `slipway.catalog.facts.TypeFacts`."""
    network = one["NetworkInfo"]
    cards = network["NetworkCards"]
    first = cards[network.get("DefaultNetworkCardIndex", 0)]
    facts = {
        "vcpu": one["VCpuInfo"]["DefaultVCpus"],
        "memory_mib": one["MemoryInfo"]["SizeInMiB"],
        "architecture": _ARCHITECTURES.get(one["ProcessorInfo"]["SupportedArchitectures"][0], "unknown"),
        "network_gbps": round(_lasting(network), 3),
        "interfaces": first["MaximumNetworkInterfaces"],
        "addresses": network["Ipv4AddressesPerInterface"],
        "storage_gb": one.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
    }
    for name, listed in (
        ("gpu", one.get("GpuInfo", {}).get("Gpus")),
        ("neuron", one.get("NeuronInfo", {}).get("NeuronDevices")),
    ):
        if listed:
            memory = listed[0]["MemoryInfo"]["SizeInMiB"]
            facts[name] = {"model": listed[0]["Name"], "count": listed[0]["Count"], "memory_mib": memory}
    return facts


def _lasting(network: Json) -> float:
    """Gigabits a second that last: what the cards have together, and never more than EC2's words promise."""
    together = sum(float(card["BaselineBandwidthInGbps"]) for card in network["NetworkCards"])
    words = str(network["NetworkPerformance"]).removeprefix("Up to ").removesuffix(" Gigabit").split("x ")
    try:
        promised = float(words[-1]) * (int(words[0]) if len(words) == 2 else 1)
    except ValueError:
        return together  # `High`: no number to hold it against
    return min(together, promised)


def _spot(account: Account, names: Sequence[str], now: datetime) -> dict[str, str]:
    """The price of now, the mean of the zones, by type: a history from now on has the last one of each zone."""
    answer = account.call(
        "ec2",
        "describe_spot_price_history",
        InstanceTypes=list(names),
        ProductDescriptions=["Linux/UNIX"],
        StartTime=now,
    )
    by_type: dict[str, dict[str, Decimal]] = {}
    for one in answer["SpotPriceHistory"]:
        by_type.setdefault(one["InstanceType"], {}).setdefault(one["AvailabilityZone"], Decimal(one["SpotPrice"]))
    return {
        name: format((sum(zones.values(), Decimal(0)) / len(zones)).quantize(Decimal("0.00001")).normalize(), "f")
        for name, zones in by_type.items()
    }


def _versions(account: Account) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in account.call("eks", "describe_cluster_versions", includeAll=True)["clusterVersions"]:
        standard, extended = one.get("endOfStandardSupportDate"), one.get("endOfExtendedSupportDate")
        if standard and extended:
            yield one["clusterVersion"], {"standard_until": standard.date(), "extended_until": extended.date()}


def _hourly(prices: Account, region: str) -> Iterator[tuple[str, str]]:
    for attributes, usd in _products(prices, "AmazonEC2", _LINUX | {"regionCode": region}):
        if "BoxUsage:" in attributes.get("usagetype", ""):
            yield attributes["instanceType"], usd


def _part(prices: Account, region: str, service: str, wanted: Mapping[str, str], usage: str) -> str | None:
    """Usage types of a region begin with its own abbreviation, those of us-east-1 mostly with nothing."""
    for attributes, usd in _products(prices, service, {**wanted, "regionCode": region}):
        kind = attributes.get("usagetype", "")
        if kind == usage or kind.endswith((f"-{usage}", f":{usage}")):
            return usd
    return None


def _products(prices: Account, service: str, wanted: Mapping[str, str]) -> Iterator[tuple[Mapping[str, str], str]]:
    """Attributes and on-demand price in dollars of each product; what costs nothing is left out."""
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    answer = prices.call("pricing", "get_products", ServiceCode=service, Filters=filters)
    for text in answer["PriceList"]:
        product = json.loads(text)
        for term in product.get("terms", {}).get("OnDemand", {}).values():
            for dimension in term["priceDimensions"].values():
                usd = Decimal(dimension["pricePerUnit"].get("USD", "0"))
                if usd > 0:
                    yield product["product"]["attributes"], format(usd.normalize(), "f")
