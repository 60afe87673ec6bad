"""Read what a recorded release runs on: replicas, node pool, price. What cannot be read is unknown, never nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from slipway.capacity.binding import dollars
from slipway.capacity.estimates import monthly
from slipway.capacity.packing import Demand, part
from slipway.cluster.autoscalers import HPA, SCALED_OBJECT
from slipway.environments.planning.pool import Pool
from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.policy.resource import read
from slipway.values.quantities import parse_bytes, parse_cpu

_RESOURCES = "spec.template.spec.containers.0.resources.limits"


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many there are at least and at most; the same where nothing scales them."""

    least: int
    most: int

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


@dataclass(frozen=True, slots=True)
class Usd:
    """US dollars a month on demand, with the fewest replicas and with the most."""

    least: Decimal
    most: Decimal

    def __str__(self) -> str:
        return f"{self.least:,.2f}" if self.least == self.most else f"{self.least:,.2f}-{self.most:,.2f}"

    def to_json(self) -> dict[str, float]:
        """As JSON values."""
        return {"min": float(self.least), "max": float(self.most)}


@dataclass(frozen=True, slots=True)
class Serving:
    """What a release takes of its environment; None where that is not known.

    Attributes:
        replicas: at least and at most.
        pool: name of its node pool.
        usd: at the prices of today; None, too, where nothing is charged by the hour.
        gpus: GPUs of a replica, or parts of GPUs.
    """

    replicas: Replicas | None = None
    pool: str | None = None
    usd: Usd | None = None
    gpus: int | None = None


def planned(model: ModelPlan) -> Serving:
    """What a plan takes."""
    scale, cost, gpu = model.spec.scale, model.estimates.cost, model.spec.resources.gpu
    replicas = Replicas(scale.fewest, scale.max) if model.autoscaled else Replicas(scale.min, scale.min)
    costs = None if cost is None else usd(cost.at_min, cost.at_max)
    return Serving(replicas, model.pool.name, costs, gpu.count if gpu is not None else 0)


def recorded(release: Release, pools: Sequence[Pool]) -> Serving:
    """What a recorded release takes, of the pools that the environment has by now.

    Who may write ConfigMaps may have written the record: what is not as it should be is unknown.
    """
    by_kind = {one.get("kind"): one for one in release.manifests}
    replicas = _replicas(by_kind)
    deployment = by_kind.get("Deployment", {})
    pool = _pool(deployment, pools)
    each = _demand(deployment, pool)
    costs = None
    if replicas is not None and pool is not None and each is not None and pool.hourly_usd is not None:
        share = part(each, pool)
        costs = usd(dollars(pool.hourly_usd, share * replicas.least), dollars(pool.hourly_usd, share * replicas.most))
    return Serving(replicas, pool.name if pool else None, costs, each.gpus if each else None)


def usd(least: Decimal, most: Decimal) -> Usd:
    """Dollars a month at so many an hour."""
    return Usd(round(monthly(least), 2), round(monthly(most), 2))


def _replicas(by_kind: Mapping[Any, Mapping[str, Any]]) -> Replicas | None:
    if SCALED_OBJECT in by_kind:
        spec = by_kind[SCALED_OBJECT]
        least, idle = read(spec, "spec.minReplicaCount"), read(spec, "spec.idleReplicaCount")
        return _bounds(least if idle is None else idle, read(spec, "spec.maxReplicaCount"))
    if HPA in by_kind:
        return _bounds(read(by_kind[HPA], "spec.minReplicas"), read(by_kind[HPA], "spec.maxReplicas"))
    count = read(by_kind.get("Deployment"), "spec.replicas")
    return _bounds(count, count)


def _bounds(least: Any, most: Any) -> Replicas | None:
    whole = all(type(one) is int for one in (least, most))
    return Replicas(least, most) if whole and 0 <= least <= most else None


def _pool(deployment: Mapping[str, Any], pools: Sequence[Pool]) -> Pool | None:
    """The one pool whose nodes the pods choose; None where it is gone, or where several look the same."""
    selector = read(deployment, "spec.template.spec.nodeSelector") or {}
    found = [pool for pool in pools if pool.selector == selector] if deployment else []
    return found[0] if len(found) == 1 else None


def _demand(deployment: Mapping[str, Any], pool: Pool | None) -> Demand | None:
    if pool is None:
        return None
    try:
        limits = read(deployment, _RESOURCES)
        gpus = limits.get(pool.gpu.resource, 0) if pool.gpu is not None else 0
        return Demand(parse_cpu(limits["cpu"]), parse_bytes(limits["memory"]), int(gpus))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
