"""Tell what a gateway on AWS costs: its load balancer, and the database of its keys and its ledger.

Where the prices are from; each is equal in all of its sources:

- Load balancer, by the hour without its capacity units: us-east-1 as quoted in 2025 by clustercost.com, eu-west-1 out
  of a bill of July 2026 (15.00 dollars for 595 hours), eu-central-1 out of another of 2026 (19.44 for 720 hours).
- Database, PostgreSQL in one zone, by the hour: us-east-1 as quoted in 2026 by infratally.com and in January 2025 by
  two price tables, eu-west-1 and eu-central-1 out of the same bills (10.09 dollars for 593 hours and 13.68 for 720
  hours of db.t4g.micro) and out of two tables of unit prices by usage type (db.t4g.small). A standby in another zone
  costs the same again, of instance and disk.
- Its disk (gp3), a gigabyte and month: us-east-1 as of June 2026 by usage.ai; elsewhere out of the bills (2.54 and 2.74
  dollars for 20 gigabytes).
- A secret: https://aws.amazon.com/secrets-manager/pricing/, and 1.60 dollars for four in the bill of eu-central-1.
- us-west-2 is taken to be as us-east-1, as instances, NAT gateways and disks of both are; nobody looked.
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


def _prices(balancer: str, disk: str, *databases: str) -> GatewayPrices:
    hourly = dict(zip(DATABASE_CLASSES, map(Decimal, databases), strict=True))
    return GatewayPrices(Decimal(balancer), hourly, Decimal(disk))


_IN_ORDER = (
    _prices("0.0225", "0.115", "0.016", "0.032"),
    _prices("0.0225", "0.115", "0.016", "0.032"),
    _prices("0.0252", "0.127", "0.017", "0.035"),
    _prices("0.027", "0.137", "0.019", "0.037"),
)
GATEWAY_PRICES: Mapping[str, GatewayPrices] = dict(zip(REGIONS, _IN_ORDER, strict=True))
"""By region."""
