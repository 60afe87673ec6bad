"""Estimate what a model costs, and how long its first replica takes on a node that does not exist yet."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from slipway.capacity.binding import dollars, hourly
from slipway.capacity.packing import demand, part
from slipway.catalog.aws import HOURS_PER_MONTH
from slipway.environments.planning.pool import Pool
from slipway.runtimes.defaults import image_bytes, start_s
from slipway.runtimes.registry import RUNTIMES
from slipway.spec.model import ModelSpec

NODE_S = 90
"""From an unschedulable pod to a ready node: an assumption until it is measured on a real account. The autoscaler looks
every 10 s (its default, scan-interval); then an instance boots and joins the cluster."""
GPU_NODE_S = 120
"""More for a node with GPUs: driver check, container toolkit and device plugin start one after the other. An
assumption until it is measured on a real account."""
PULL_BYTES_PER_S = 50 * 2**20
"""Compressed bytes that a node fetches and unpacks in a second; unpacking is the slower of the two. An assumption until
it is measured on a real account."""
STORE_BYTES_PER_S = 80 * 2**20
"""What a pod fetches from a model store in a second, in one stream, and digests: Amazon names 85 to 90 MB/s for one
request (Best practices design patterns: optimizing Amazon S3 performance). Nothing is unpacked. An assumption until it
is measured on a real account."""
STORE_START_S = 1
"""Until the program that fetches has started."""
READ_BYTES_PER_S = 125 * 2**20
"""Throughput that a gp3 disk has without paying for more (Amazon EBS User Guide, "General Purpose SSD volumes")."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds until the first replica on a new node is ready.

    Attributes:
        node_s: until there is a node; 0 where all nodes are always there.
        image_s: fetching the runtime's part of the image.
        weights_s: fetching the weights, as a layer of the image or from the model store.
        load_s: starting the server and loading the weights.
    """

    node_s: int
    image_s: int
    weights_s: int
    load_s: int

    @property
    def total_s(self) -> int:
        """All of it."""
        return self.node_s + self.image_s + self.weights_s + self.load_s


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars an hour for the parts of nodes that a model's replicas take.

    Attributes:
        at_min: on-demand, `scale.min` replicas; none of a model that sleeps while nobody asks (`scale.to_zero`).
        at_max: on-demand, `scale.max` replicas.
        spot_at_min: the same with the pool's spot price, an estimate; None where the pool is not spot.
        spot_at_max: likewise.
    """

    at_min: Decimal
    at_max: Decimal
    spot_at_min: Decimal | None
    spot_at_max: Decimal | None


@dataclass(frozen=True, slots=True)
class Estimates:
    """What one model costs and how long it takes to start; `cost` is None where nothing is charged by the hour."""

    cold_start: ColdStart
    cost: Cost | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        start, cost = self.cold_start, self.cost
        return {
            "coldStartSeconds": {
                "node": start.node_s,
                "image": start.image_s,
                "weights": start.weights_s,
                "load": start.load_s,
                "total": start.total_s,
            },
            "usd": None if cost is None else cost_json(cost),
        }


def cost_json(cost: Cost) -> dict[str, Any]:
    """Hourly and monthly prices as JSON values, rounded to what is shown."""
    values = {"min": cost.at_min, "max": cost.at_max, "spotMin": cost.spot_at_min, "spotMax": cost.spot_at_max}
    return {
        "hour": {key: None if value is None else float(round(value, 4)) for key, value in values.items()},
        "month": {key: None if value is None else float(round(monthly(value), 2)) for key, value in values.items()},
    }


def monthly(rate: Decimal) -> Decimal:
    """Dollars a month at so many an hour."""
    return rate * HOURS_PER_MONTH


def node_start_s(pool: Pool) -> int:
    """Seconds until a pool that is asked for one more node has it; 0 where all nodes are always there."""
    if pool.min_nodes == pool.max_nodes:
        return 0
    return NODE_S + (GPU_NODE_S if pool.gpu else 0)


def stored_s(artifact_bytes: int) -> int:
    """Seconds in which a pod has fetched weights from the model store."""
    return STORE_START_S + _whole(artifact_bytes / STORE_BYTES_PER_S)


def estimates(pool: Pool, spec: ModelSpec, artifact_bytes: int, *, stored: bool = False) -> Estimates:
    """Estimate one model on its pool; `artifact_bytes`: of its weights; `stored`: whether each pod fetches them."""
    runtime, gpu = RUNTIMES[spec.runtime], spec.computes_on_gpu
    start = ColdStart(
        node_s=node_start_s(pool),
        image_s=_whole(image_bytes(runtime, gpu=gpu) / PULL_BYTES_PER_S),
        weights_s=stored_s(artifact_bytes) if stored else _whole(artifact_bytes / PULL_BYTES_PER_S),
        load_s=_whole(
            start_s(runtime, gpu=gpu) * 1000 / min(spec.resources.cpu, 1000) + artifact_bytes / READ_BYTES_PER_S
        ),
    )
    return Estimates(start, _cost(pool, spec))


def _whole(seconds: float) -> int:
    return -int(-seconds // 1)


def _cost(pool: Pool, spec: ModelSpec) -> Cost | None:
    if pool.hourly_usd is None:
        return None
    share = part(demand(spec.resources), pool)
    least, most = share * spec.scale.fewest, share * spec.scale.max
    spot = hourly(pool) if pool.spot_hourly_usd is not None else None
    return Cost(
        at_min=dollars(pool.hourly_usd, least),
        at_max=dollars(pool.hourly_usd, most),
        spot_at_min=None if spot is None else dollars(spot, least),
        spot_at_max=None if spot is None else dollars(spot, most),
    )
