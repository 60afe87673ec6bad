"""Say what an environment on AWS pays for besides the nodes of its pools."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

from slipway.catalog import aws as catalog
from slipway.catalog.aws_gateway import SECRET_MONTHLY_USD, gateway_prices
from slipway.environments.planning.aws.endpoints import endpoint_zones, interface_endpoints, nat_gateways
from slipway.environments.planning.aws.node_groups import SYSTEM_DISK_GIB
from slipway.environments.planning.protocol import Charge, Charges
from slipway.settings.aws import AwsSettings

BASTION_DISK_GIB = 8
"""What Amazon's own image of Amazon Linux 2023 has."""

EncryptedData = Literal["secrets", "logs", "disks", "models", "ledger"]
"""A kind of data that an environment encrypts with a key of its own."""

_GIB = 2**30


def encrypted_data(settings: AwsSettings) -> tuple[EncryptedData, ...]:
    """The kinds of data that there are, each with a key of its own."""
    always: tuple[EncryptedData, ...] = ("secrets", "logs", "disks", "models")
    return (*always, "ledger") if settings.gateway else always


def charges(settings: AwsSettings, on: date) -> Charges:
    """What is charged on a day: a control plane past its standard support costs more."""
    platform = settings.platform
    hourly_usd = catalog.INSTANCE_TYPES[platform.instance_type].hourly_usd.get(settings.region, Decimal(0))
    return Charges(
        platform_nodes=Charge(f"nodes of the platform, {platform.instance_type}", platform.nodes, hourly_usd),
        platform_disk_gib=platform.nodes * SYSTEM_DISK_GIB,
        disk_gib={pool.name: pool.disk // _GIB for pool in settings.node_pools},
        disk_hourly_usd=_hourly(catalog.REGIONS[settings.region].disk_monthly_usd) or Decimal(0),
        fixed=_fixed(settings, on),
        unpriced=tuple(_unpriced(settings)),
        budget_usd=settings.budget.monthly_usd,
    )


def _fixed(settings: AwsSettings, on: date) -> tuple[Charge, ...]:
    support = catalog.EKS_VERSIONS[settings.kubernetes_version]
    control_plane = Charge("control plane", 1, catalog.CONTROL_PLANE_HOURLY_USD)
    if on >= support.standard_until:
        name = f"control plane, extended support of Kubernetes {settings.kubernetes_version}"
        control_plane = Charge(name, 1, catalog.CONTROL_PLANE_EXTENDED_HOURLY_USD)
    return (
        control_plane,
        *_of_network(settings),
        *_of_bastion(settings),
        Charge("encryption keys", len(encrypted_data(settings)), catalog.KEY_MONTHLY_USD / catalog.HOURS_PER_MONTH),
        *_of_metrics(settings),
        *_of_gateway(settings),
    )


def _of_metrics(settings: AwsSettings) -> tuple[Charge, ...]:
    """The volume that metrics are kept on."""
    metrics = settings.platform.metrics
    if metrics is None:
        return ()
    hourly_usd = _hourly(catalog.REGIONS[settings.region].disk_monthly_usd)
    return _known("volume of metrics, GiB", metrics.disk // _GIB, hourly_usd)


def _of_network(settings: AwsSettings) -> tuple[Charge, ...]:
    """The ways out of the network; in one that is there already they are its owner's."""
    region, addresses = catalog.REGIONS[settings.region], _addresses_of_gateway(settings)
    if settings.network is not None:
        return _known("public addresses", addresses, catalog.PUBLIC_ADDRESS_HOURLY_USD)
    gateways = nat_gateways(settings)
    endpoints = len(interface_endpoints(settings)) * len(endpoint_zones(settings))
    return (
        *_known("NAT gateways", gateways, region.nat_hourly_usd),
        *_known("public addresses", gateways + addresses, catalog.PUBLIC_ADDRESS_HOURLY_USD),
        *_known("interface endpoints", endpoints, region.endpoint_hourly_usd),
    )


def _of_bastion(settings: AwsSettings) -> tuple[Charge, ...]:
    if not settings.api.bastion:
        return ()
    disk_hourly_usd = _hourly(catalog.REGIONS[settings.region].disk_monthly_usd)
    hourly_usd = catalog.BASTION_HOURLY_USD.get(settings.region)
    return (
        *_known(f"bastion, {catalog.BASTION_INSTANCE_TYPE}", 1, hourly_usd),
        *_known("disk of the bastion, GiB", BASTION_DISK_GIB, disk_hourly_usd),
    )


def _addresses_of_gateway(settings: AwsSettings) -> int:
    """An internet-facing load balancer has a public address in each zone."""
    return len(settings.zones) if settings.gateway and not settings.gateway.internal else 0


def _of_gateway(settings: AwsSettings) -> tuple[Charge, ...]:
    """The load balancer, and the database with its disk, both doubled by a standby, and its secret."""
    prices = gateway_prices(settings.region)
    if settings.gateway is None or prices is None:
        return ()
    database = settings.gateway.database
    copies = 2 if database.multi_az else 1
    disk_hourly_usd = prices.disk_monthly_usd / catalog.HOURS_PER_MONTH
    hourly_usd = prices.database_hourly_usd[database.instance_class]
    return (
        Charge("network load balancer", 1, prices.balancer_hourly_usd),
        Charge(f"database of keys and ledger, {database.instance_class}", copies, hourly_usd),
        Charge("disk of the database, GiB", copies * database.storage // _GIB, disk_hourly_usd),
        Charge("secrets", 1, SECRET_MONTHLY_USD / catalog.HOURS_PER_MONTH),
    )


def _known(name: str, count: int, hourly_usd: Decimal | None) -> tuple[Charge, ...]:
    return () if hourly_usd is None or not count else (Charge(name, count, hourly_usd),)


def _hourly(monthly_usd: Decimal | None) -> Decimal | None:
    return None if monthly_usd is None else monthly_usd / catalog.HOURS_PER_MONTH


def _unpriced(settings: AwsSettings) -> Iterator[str]:
    """What is charged for in this region and nobody found the price of."""
    region = catalog.REGIONS[settings.region]
    system = catalog.INSTANCE_TYPES[settings.platform.instance_type]
    prices = {
        "nodes of the platform": system.hourly_usd.get(settings.region),
        "disks of nodes": region.disk_monthly_usd,
    }
    if settings.network is None:
        prices |= {"interface endpoints": region.endpoint_hourly_usd}
    if nat_gateways(settings):
        prices |= {"NAT gateways": region.nat_hourly_usd}
    if settings.api.bastion:
        prices["bastion"] = catalog.BASTION_HOURLY_USD.get(settings.region)
    yield from (name for name, price in prices.items() if price is None)
    if settings.gateway is not None and region.gateway is None:
        yield "the gateway's load balancer and database"
