"""Tell what AWS charges for by the gigabyte: traffic, and logs that are written.

Where the prices are from; each is equal in all of its sources:

- To the internet, by steps of what an account sends in a month: usage.ai, 2026-06-02, and egresscost.com for the United
  States and Europe alike. The first 100 GB of an account are free, whatever it has: they are not taken off here.
- Between zones: the same pages; a gigabyte costs as much where it leaves as where it comes in.
- NAT gateways: a gigabyte costs what the gateway costs an hour, in every table and bill that was found (a bill of May
  2025 for another region has 0.059 for both).
- Logs: us-east-1 as AWS's price list was quoted on 2025-10-28, eu-west-1 as of 2026-03-01 (SKU KJBTQPDHW2H92B8Y),
  eu-central-1 out of several cost estimates by Infracost and one table of list prices. us-west-2 is taken to be as
  us-east-1. Logs that AWS's own services write cost the same up to 10 TB a month.

AWS's gigabyte is 2^30 bytes here, as on its bills.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from slipway.catalog.aws import REGIONS


@dataclass(frozen=True, slots=True)
class VolumePrices:
    """What a gigabyte costs in one region, in US dollars.

    Attributes:
        internet: what is sent to the internet: up to how many gigabytes a month, and the price of each; rising. None
            for the last step, which has no end.
        zone: what goes from one zone to another, both sides together.
        nat: what passes a NAT gateway.
        logs: what is written to CloudWatch.
    """

    internet: tuple[tuple[int | None, Decimal], ...]
    zone: Decimal
    nat: Decimal
    logs: Decimal


_INTERNET = (
    (10 * 1024, Decimal("0.09")),
    (50 * 1024, Decimal("0.085")),
    (150 * 1024, Decimal("0.07")),
    (None, Decimal("0.05")),
)
_ZONE = 2 * Decimal("0.01")
_LOGS = {"us-east-1": "0.50", "us-west-2": "0.50", "eu-west-1": "0.57", "eu-central-1": "0.63"}

VOLUME_PRICES: Mapping[str, VolumePrices] = {
    region: VolumePrices(_INTERNET, _ZONE, nat, Decimal(logs))
    for region, logs in _LOGS.items()
    if (nat := REGIONS[region].nat_hourly_usd) is not None
}
"""By region; none of a region whose prices nobody has looked up."""


def internet_usd(prices: VolumePrices, gib: Decimal) -> Decimal:
    """What so many gigabytes a month to the internet cost, step by step."""
    usd, below = Decimal(0), Decimal(0)
    for most, price in prices.internet:
        upto = gib if most is None else min(gib, Decimal(most))
        usd += max(upto - below, Decimal(0)) * price
        below = max(below, upto)
    return usd
