"""Price an environment: its nodes with few and with many replicas, and what is charged whatever runs on it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from slipway.capacity.estimates import Cost, cost_json, monthly
from slipway.capacity.packing import Load, demand, packed
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.pool import Pool
from slipway.environments.planning.protocol import Charge
from slipway.plan.model import ModelPlan, Plan
from slipway.planner.volumes import Measured, Volume, volumes

LEFT_OUT = (
    "traffic and logs that nobody gave or measured, their storage, and metrics of CloudWatch",
    "requests, stored images, weights and Kubernetes volumes",
    "capacity units of load balancers, and load balancers of your own",
    "requests to encryption keys, and their rotations",
    "capacity reservations while no node uses them",
    "taxes and discounts (savings plans, private prices)",
)
"""What no price here includes."""

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is charged for.

    Attributes:
        name: for people.
        least: how many there are with the fewest replicas of every model: `scale.min`, none of one that sleeps.
        most: how many with every model at `scale.max`.
        cost: of all of them, in US dollars an hour; its spot prices are None where nothing of it is spot.
    """

    name: str
    least: int
    most: int
    cost: Cost

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"name": self.name, "count": {"min": self.least, "max": self.most}, **cost_json(self.cost)}


@dataclass(frozen=True, slots=True)
class EnvironmentPrice:
    """What an environment costs, except for what `LEFT_OUT` names.

    Attributes:
        nodes: one item per pool that has nodes, the platform's own nodes, and their disks.
        fixed: what does not depend on models.
        budget_usd: dollars a month that the settings allow.
        volumes: what is charged by the gigabyte, beside all that: it is in no total.
        unpriced: what is charged for besides, at a price that nobody knows.
    """

    nodes: tuple[Item, ...]
    fixed: tuple[Item, ...]
    budget_usd: int
    volumes: tuple[Volume, ...]
    unpriced: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """What it does not include: what no price does, and what has no known price in this region."""
        return (*(f"{name}, whose price in this region is not known" for name in self.unpriced), *LEFT_OUT)

    @property
    def total(self) -> Cost:
        """All of it; its spot prices are what is expected if there always is spot capacity."""
        items = [item.cost for item in (*self.nodes, *self.fixed)]
        return Cost(
            at_min=sum((cost.at_min for cost in items), _NOTHING),
            at_max=sum((cost.at_max for cost in items), _NOTHING),
            spot_at_min=sum((_expected(cost.spot_at_min, cost.at_min) for cost in items), _NOTHING),
            spot_at_max=sum((_expected(cost.spot_at_max, cost.at_max) for cost in items), _NOTHING),
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "nodes": [item.to_json() for item in self.nodes],
            "fixed": [item.to_json() for item in self.fixed],
            "total": cost_json(self.total),
            "budget": {"month": self.budget_usd, "share": {key: float(value) for key, value in self.shares().items()}},
            "volumes": [volume.to_json() for volume in self.volumes],
            "leftOut": list(self.left_out),
        }

    def shares(self) -> dict[str, Decimal]:
        """The part of the budget that is used up, rounded to a thousandth: by `min` and `max`, on demand."""
        total = self.total
        return {
            "min": round(monthly(total.at_min) / self.budget_usd, 3),
            "max": round(monthly(total.at_max) / self.budget_usd, 3),
        }


def _expected(spot: Decimal | None, on_demand: Decimal) -> Decimal:
    return on_demand if spot is None else spot


def price(plan: Plan, on: date, measured: Measured | None = None) -> EnvironmentPrice | None:
    """Price an environment on a day; None where nothing is charged by the hour. `measured`: what it said of itself."""
    charges = planning(plan.settings).charges(on)
    if charges is None:
        return None
    nodes: list[Item] = []
    gibs = [charges.platform_disk_gib] * 2
    for pool in plan.pools:
        users = [model for model in plan.models if model.pool.name == pool.name]
        item = _nodes(pool, users)
        disk_gib = charges.disk_gib[pool.name]
        gibs = [gibs[0] + item.least * disk_gib, gibs[1] + item.most * disk_gib]
        if item.most:
            nodes.append(item)
    rate = charges.disk_hourly_usd
    disks = Item("disks of nodes, GiB", gibs[0], gibs[1], Cost(gibs[0] * rate, gibs[1] * rate, None, None))
    fixed = tuple(map(_charged, charges.fixed))
    all_nodes = (*nodes, _charged(charges.platform_nodes), disks)
    return EnvironmentPrice(all_nodes, fixed, charges.budget_usd, volumes(plan, measured), charges.unpriced)


def nodes_needed(pool: Pool, models: list[ModelPlan], *, most: bool) -> int:
    """Nodes of a pool with the fewest replicas of every model, or at `scale.max`; never below the pool's own least."""
    scales = [(model, model.spec.scale.max if most else model.spec.scale.fewest) for model in models]
    loads = [Load(model.name, demand(model.spec.resources), replicas) for model, replicas in scales]
    return max(pool.min_nodes, packed(pool, loads)[0].used)


def _nodes(pool: Pool, models: list[ModelPlan]) -> Item:
    least, most = nodes_needed(pool, models, most=False), nodes_needed(pool, models, most=True)
    rate, spot = pool.hourly_usd or _NOTHING, pool.spot_hourly_usd

    def mixed(nodes: int) -> Decimal | None:
        """Nodes at the spot price, but for those that are never spot."""
        always = min(nodes, pool.on_demand_nodes)
        return None if spot is None else always * rate + (nodes - always) * spot

    name = f"pool {pool.name}, {pool.instance_types[0]}"
    return Item(name, least, most, Cost(least * rate, most * rate, mixed(least), mixed(most)))


def _charged(charge: Charge) -> Item:
    hourly_usd = charge.count * charge.hourly_usd
    return Item(charge.name, charge.count, charge.count, Cost(hourly_usd, hourly_usd, None, None))


def today() -> date:
    """The day that prices are of."""
    return datetime.now(tz=UTC).date()
