"""Say what an environment on AWS pays for besides the nodes of its pools."""

from datetime import date
from typing import Literal, get_args

from slipway.catalog import aws as catalog
from slipway.environments.planning.aws.node_groups import SYSTEM_DISK_GIB, SYSTEM_INSTANCE_TYPE, SYSTEM_NODES
from slipway.environments.planning.protocol import Charge, Charges
from slipway.settings.aws import AwsSettings

INTERFACE_ENDPOINTS = ("ecr.api", "ecr.dkr", "sts", "logs")
"""AWS's services that are reached through endpoints of their own, in each zone that has a NAT gateway."""

EncryptedData = Literal["secrets", "logs", "disks", "models"]
"""A kind of data that an environment encrypts with a key of its own."""

_GIB = 2**30


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
    region = catalog.REGIONS[settings.region]
    support = catalog.EKS_VERSIONS[settings.kubernetes_version]
    gateways = len(settings.zones) if settings.nat == "zone" else 1
    control_plane = Charge("control plane", 1, catalog.CONTROL_PLANE_HOURLY_USD)
    if on >= support.standard_until:
        name = f"control plane, extended support of Kubernetes {settings.kubernetes_version}"
        control_plane = Charge(name, 1, catalog.CONTROL_PLANE_EXTENDED_HOURLY_USD)
    return (
        control_plane,
        Charge("NAT gateways", gateways, region.nat_hourly_usd),
        Charge("public addresses", gateways, catalog.PUBLIC_ADDRESS_HOURLY_USD),
        Charge("interface endpoints", len(INTERFACE_ENDPOINTS) * gateways, region.endpoint_hourly_usd),
        Charge("encryption keys", len(get_args(EncryptedData)), catalog.KEY_MONTHLY_USD / catalog.HOURS_PER_MONTH),
    )
