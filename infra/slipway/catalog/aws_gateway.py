"""Tell what a gateway on AWS costs: its load balancer, and the database of its keys and its ledger.

Prices are in aws.json and its source is there. A standby in another zone costs the same again, of instance and disk.
A secret: https://aws.amazon.com/secrets-manager/pricing/, and 1.60 dollars for four in a bill of eu-central-1 of 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from slipway.catalog.aws import REGIONS

SECRET_MONTHLY_USD = Decimal("0.40")
"""A secret in Secrets Manager."""

POSTGRES = "15"
"""Major version of the database: the one that the tests of the keys service run on. AWS supports it until February
2028 (Amazon RDS for PostgreSQL release calendar), and chooses the minor version."""


@dataclass(frozen=True, slots=True)
class GatewayPrices:
    """What the parts of a gateway cost in one region.

    Attributes:
        balancer_hourly_usd: a network load balancer.
        database_hourly_usd: a database in one zone, by its class.
        disk_monthly_usd: a gigabyte of its disk.
    """

    balancer_hourly_usd: Decimal
    database_hourly_usd: Mapping[str, Decimal]
    disk_monthly_usd: Decimal


DATABASE_CLASSES = ("db.t4g.micro", "db.t4g.small")
"""Classes of databases: 1 and 2 GiB of memory. Keys are cached and requests are written in batches."""


def gateway_prices(region: str) -> GatewayPrices | None:
    """What a gateway costs in a region; None where nobody knows."""
    facts = REGIONS[region].gateway
    if facts is None:
        return None
    return GatewayPrices(facts.balancer_hourly_usd, facts.database_hourly_usd, facts.disk_monthly_usd)
