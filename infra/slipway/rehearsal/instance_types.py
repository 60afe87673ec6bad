"""Say what EC2 has for a rehearsal's Karpenter: instance types by EC2's own description, zones, prices, reservations.

A node's size is then what Karpenter's provider for AWS makes of the description, in its own code; so a plan, whose
table and rules are Slipway's, is held against another source.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from slipway.catalog.aws import INSTANCE_TYPES, SPOT_FACTOR
from slipway.settings.aws import AwsSettings

Describe = Callable[[Sequence[str]], Sequence[Mapping[str, Any]]]
"""Gives EC2's description of instance types by name: the items of DescribeInstanceTypes."""


def account(settings: AwsSettings, describe: Describe) -> dict[str, Any]:
    """What EC2 has for an environment, as the program of modules/karpenter reads it.

    All types of the catalogue are offered in all zones of the environment, as many as anybody wants; a reservation has
    as many instances as its pool may have nodes. `hourly_usd` decides which of several types is taken: the cheapest.
    """
    here = sorted(name for name, kind in INSTANCE_TYPES.items() if settings.region in kind.hourly_usd)
    return {
        "region": settings.region,
        "zones": list(settings.zones),
        "types": list(_types(settings, describe(here))),
        "reservations": list(_reservations(settings)),
    }


def _types(settings: AwsSettings, described: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in described:
        price = INSTANCE_TYPES[one["InstanceType"]].hourly_usd[settings.region]
        prices = {"on-demand": float(price), "spot": float(price * SPOT_FACTOR)}
        yield {"described": one, "zones": list(settings.zones), "hourly_usd": prices}


def _reservations(settings: AwsSettings) -> Iterator[dict[str, Any]]:
    for pool in settings.node_pools:
        if pool.capacity_reservation is not None:
            yield {
                "id": pool.capacity_reservation,
                "type": pool.types(settings.region)[0].name,
                "zone": (pool.zones or settings.zones)[0],
                "instances": pool.max_nodes,
            }
