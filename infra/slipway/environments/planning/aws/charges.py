"""Say what an environment on AWS pays for besides the nodes of its pools."""

from datetime import date
from typing import Literal

from slipway.catalog import aws as catalog
from slipway.catalog.aws_gateway import GATEWAY_PRICES, SECRET_MONTHLY_USD
from slipway.environments.planning.aws.node_groups import SYSTEM_DISK_GIB, SYSTEM_INSTANCE_TYPE, SYSTEM_NODES
from slipway.environments.planning.protocol import Charge, Charges
from slipway.settings.aws import AwsSettings

_INTERFACE_ENDPOINTS = ("ecr.api", "ecr.dkr", "eks-auth")

BASTION_DISK_GIB = 8
"""What Amazon's own image of Amazon Linux 2023 has."""

EncryptedData = Literal["secrets", "logs", "disks", "models", "ledger"]
"""A kind of data that an environment encrypts with a key of its own."""

_GIB = 2**30


def interface_endpoints(settings: AwsSettings) -> tuple[str, ...]:
    """AWS's services that are reached through endpoints of their own, in each zone that has a NAT gateway.

    Images, and `eks-auth` for the credentials of pods, which EKS's agent on each node fetches; nothing starts without.
    No pod has credentials by STS itself, and none writes to CloudWatch: the logs of the control plane and of the
    network's flows do not come from inside the network. The keys service asks for the password of its database: with an
    endpoint its pods need no way out of the network.
    """
    return (*_INTERFACE_ENDPOINTS, "secretsmanager") if settings.gateway else _INTERFACE_ENDPOINTS


def encrypted_data(settings: AwsSettings) -> tuple[EncryptedData, ...]:
    """The kinds of data that there are, each with a key of its own."""
    always: tuple[EncryptedData, ...] = ("secrets", "logs", "disks", "models")
    return (*always, "ledger") if settings.gateway else always


def charges(settings: AwsSettings, on: date) -> Charges:
    """What is charged on a day: a control plane past its standard support costs more."""
    system = catalog.INSTANCE_TYPES[SYSTEM_INSTANCE_TYPE].hourly_usd[settings.region]
    return Charges(
        platform_nodes=Charge(f"nodes of the platform, {SYSTEM_INSTANCE_TYPE}", SYSTEM_NODES, system),
        platform_disk_gib=SYSTEM_NODES * SYSTEM_DISK_GIB,
        disk_gib={pool.name: pool.disk // _GIB for pool in settings.node_pools},
        disk_hourly_usd=catalog.REGIONS[settings.region].disk_monthly_usd / catalog.HOURS_PER_MONTH,
        fixed=_fixed(settings, on),
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
        *_of_gateway(settings),
    )


def _of_network(settings: AwsSettings) -> tuple[Charge, ...]:
    """The ways out of the network; in one that is there already they are its owner's."""
    region, addresses = catalog.REGIONS[settings.region], _addresses_of_gateway(settings)
    if settings.network is not None:
        used = Charge("public addresses", addresses, catalog.PUBLIC_ADDRESS_HOURLY_USD)
        return (used,) if addresses else ()
    gateways = len(settings.zones) if settings.nat == "zone" else 1
    return (
        Charge("NAT gateways", gateways, region.nat_hourly_usd),
        Charge("public addresses", gateways + addresses, catalog.PUBLIC_ADDRESS_HOURLY_USD),
        Charge("interface endpoints", len(interface_endpoints(settings)) * gateways, region.endpoint_hourly_usd),
    )


def _of_bastion(settings: AwsSettings) -> tuple[Charge, ...]:
    if not settings.api.bastion:
        return ()
    disk_hourly_usd = catalog.REGIONS[settings.region].disk_monthly_usd / catalog.HOURS_PER_MONTH
    return (
        Charge(f"bastion, {catalog.BASTION_INSTANCE_TYPE}", 1, catalog.BASTION_HOURLY_USD[settings.region]),
        Charge("disk of the bastion, GiB", BASTION_DISK_GIB, disk_hourly_usd),
    )


def _addresses_of_gateway(settings: AwsSettings) -> int:
    """An internet-facing load balancer has a public address in each zone."""
    return len(settings.zones) if settings.gateway and not settings.gateway.internal else 0


def _of_gateway(settings: AwsSettings) -> tuple[Charge, ...]:
    """The load balancer, and the database with its disk, both doubled by a standby, and its secret."""
    if settings.gateway is None:
        return ()
    database, prices = settings.gateway.database, GATEWAY_PRICES[settings.region]
    copies = 2 if database.multi_az else 1
    disk_hourly_usd = prices.disk_monthly_usd / catalog.HOURS_PER_MONTH
    hourly_usd = prices.database_hourly_usd[database.instance_class]
    return (
        Charge("network load balancer", 1, prices.balancer_hourly_usd),
        Charge(f"database of keys and ledger, {database.instance_class}", copies, hourly_usd),
        Charge("disk of the database, GiB", copies * database.storage // _GIB, disk_hourly_usd),
        Charge("secrets", 1, SECRET_MONTHLY_USD / catalog.HOURS_PER_MONTH),
    )
