"""List the locations that a model could run in: the node pools of every environment whose settings are right.

Whatever else a model may run on one day joins this list, and is judged by the same questions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from slipway.capacity.binding import bind
from slipway.capacity.packing import Load, demand, rooms
from slipway.catalog.aws import HOURS_PER_MONTH, instance
from slipway.catalog.elsewhere import Machine, equivalents
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.pool import Pool
from slipway.environments.planning.protocol import VolumeTerms
from slipway.loading.specs import LoadedSpec
from slipway.loading.variant import Variant
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec


@dataclass(frozen=True, slots=True)
class Location:
    """A node pool of an environment, and what matters of the environment around it.

    Attributes:
        environment: its name.
        pool: the node pool.
        variant: the model as it would be served there.
        beside: minimum replicas, or all where they have GPUs, of the environment's other models on this pool.
        gateway: whether routes lead to models.
        open_to_internet: whether they do from the internet; None where nobody says it.
        terms: what traffic costs; None where nobody is charged for it.
        disk_gib: of one node; None where nobody is charged for it.
        disk_usd: dollars a month for a GiB of it; None where nobody knows.
        budget_usd: dollars a month that the environment may cost; None where nothing is charged by the hour.
    """

    environment: str
    pool: Pool
    variant: Variant
    beside: tuple[Load, ...]
    gateway: bool
    open_to_internet: bool | None
    terms: VolumeTerms | None
    disk_gib: int | None
    disk_usd: Decimal | None
    budget_usd: int | None

    @property
    def spec(self) -> ModelSpec:
        """The model's spec, merged for the environment."""
        return self.variant.spec

    @property
    def name(self) -> str:
        """What the location is called: `prod/gpu-l4`."""
        return f"{self.environment}/{self.pool.name}"

    @property
    def accelerator(self) -> str:
        """What a replica computes on there: the GPU that it asks for, else `cpu` or `graviton`."""
        if self.spec.resources.gpu is not None and self.pool.gpu is not None:
            return self.pool.gpu.model
        return "graviton" if self.pool.architecture == "arm64" else "cpu"

    @property
    def equivalents(self) -> tuple[Machine, ...]:
        """Machines of other clouds with the GPUs of a node, where the model asks for one."""
        kind = instance(self.pool.instance_types[0]) if self.pool.instance_types else None
        if kind is None or kind.gpu is None or self.spec.resources.gpu is None:
            return ()
        return equivalents(kind.gpu)

    @property
    def public(self) -> bool:
        """Whether a route would lead to the model."""
        return self.gateway and self.spec.endpoint.public

    def capacity_beside(self, replicas: int) -> int:
        """Replicas of the model that the pool at its largest holds, while every other model keeps its own."""
        mine = Load(self.spec.name, demand(self.spec.resources), replicas)
        return rooms(self.pool, [mine, *self.beside])[self.spec.name]


def locations_of(
    environment: str, settings: AnySettings, model: LoadedSpec, others: Sequence[LoadedSpec], on: date
) -> Iterator[Location]:
    """Yield the pools of one environment.

    Args:
        environment: its name.
        settings: its settings.
        model: the model that is to run there, whether or not it does already.
        others: the environment's other models; one that no pool can hold takes nothing.
        on: the day whose prices count.
    """
    plan = planning(settings)
    charges, terms = plan.charges(on), plan.volume_terms
    pools = plan.pools
    kept = [(pool, load) for other in others for pool, load in _kept(pools, other.variant(environment).spec)]
    unpriced = charges is None or "disks of nodes" in charges.unpriced
    gateway = plan.gateway
    for pool in pools:
        yield Location(
            environment=environment,
            pool=pool,
            variant=model.variant(environment),
            beside=tuple(load for name, load in kept if name == pool.name),
            gateway=gateway is not None,
            open_to_internet=False if gateway is None else None if terms is None else terms.internet,
            terms=terms,
            disk_gib=None if charges is None else charges.disk_gib[pool.name],
            disk_usd=None if charges is None or unpriced else charges.disk_hourly_usd * HOURS_PER_MONTH,
            budget_usd=None if charges is None else charges.budget_usd,
        )


def _kept(pools: Sequence[Pool], spec: ModelSpec) -> Iterator[tuple[str, Load]]:
    bound = bind(pools, spec)
    if bound is not None:
        replicas = spec.scale.max if spec.resources.gpu else spec.scale.min
        yield bound.pool.name, Load(spec.name, demand(spec.resources), replicas)
