"""Place an environment's models on its pools, say how their updates roll, refuse what could never be scheduled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from slipway.capacity.binding import Bound, bind, no_pool
from slipway.capacity.packing import Load, Nodes, demand, packed, rooms
from slipway.environments.planning.pool import Pool
from slipway.errors.base import UserError, UserErrors, WrongValue
from slipway.loading.specs import LoadedSpec
from slipway.loading.variant import Variant
from slipway.spec.model import ModelSpec


@dataclass(frozen=True, slots=True)
class Rollout:
    """How an update replaces pods.

    Attributes:
        max_surge: pods that there may be above the replicas that there should be.
        max_unavailable: pods that there may be below them.
        candidate: replicas of the new release that have capacity beside the old ones while it is judged; 0 where none
            is. It may run as many as there are old ones: with GPUs, all of these are reserved.
        recreate: whether all pods stop before the first new one starts.
    """

    max_surge: int
    max_unavailable: int
    candidate: int = 0
    recreate: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A model, the pool that its pods run on and why, and how its update rolls there.

    `floor_on_spot`: how many of its minimum replicas need nodes that may be reclaimed; `warnings`: what the user
    should know.
    """

    variant: Variant
    pool: Pool
    reason: tuple[str, ...]
    rollout: Rollout
    floor_on_spot: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bound:
    """A model that has a pool, before it is known whether there is room."""

    loaded: LoadedSpec
    variant: Variant
    bound: Bound

    @property
    def spec(self) -> ModelSpec:
        return self.variant.spec

    def load(self, replicas: int) -> Load:
        return Load(self.loaded.name, demand(self.spec.resources), replicas)

    @property
    def kept_free(self) -> Load:
        """What is reserved for a model: all GPUs that it may ever get; of the rest, its minimum replicas."""
        return self.load(self.spec.scale.max if self.spec.resources.gpu else self.spec.scale.min)


def place(environment: str, pools: Sequence[Pool], loaded: Sequence[LoadedSpec]) -> list[Placed]:
    """Place all models of an environment.

    Raises:
        UserErrors: for each model that no pool can hold, that has no room beside the others, or whose update could
            never finish.
    """
    bad: list[UserError] = []
    placed: list[Placed] = []
    users: dict[str, list[_Bound]] = {}
    for spec in loaded:
        variant = spec.variant(environment)
        bound = bind(pools, variant.spec)
        if bound is None:
            bad.append(no_pool(environment, pools, spec, variant.spec))
        else:
            users.setdefault(bound.pool.name, []).append(_Bound(spec, variant, bound))
    for pool in pools:
        models = users.get(pool.name, [])
        room = rooms(pool, [model.kept_free for model in models])
        floors = _floors_on_spot(pool, models)
        for model in models:
            how = _rollout(model, room[model.loaded.name])
            if how is None:
                bad.append(_no_room(environment, model, room[model.loaded.name], models))
            else:
                floor = floors[model.loaded.name]
                warnings = tuple(_warnings(model, how, floor))
                placed.append(Placed(model.variant, pool, model.bound.reason, how, floor, warnings))
    if bad:
        raise UserErrors(bad)
    return placed


def slots(pool: Pool, spec: ModelSpec) -> int:
    """Replicas that `pool` holds at its largest if nothing else is there."""
    return Nodes(pool).room(demand(spec.resources))


def rollout(least: int, most: int, room: int, *, downtime: bool) -> Rollout | None:
    """How to update a model with `least` to `most` replicas where there is room for `room`; None if there is no way.

    A new pod beside the old ones is best. Where there is no room for it, one old pod goes first, which needs a second
    one that serves meanwhile: a single replica would stop serving, which the spec has to allow, or wait for ever.
    """
    if room > most:
        return Rollout(max_surge=1, max_unavailable=0)
    if room == most and (least > 1 or downtime):
        return Rollout(max_surge=0, max_unavailable=1)
    return None


def _rollout(model: _Bound, room: int) -> Rollout | None:
    """How the model's update rolls: beside what others keep, and alone on its pool at its largest."""
    return _beside_candidates(model, room, model.kept_free.replicas if model.spec.rollout.judged else 0)


def _beside_candidates(model: _Bound, room: int, candidate: int) -> Rollout | None:
    """How the model's update rolls while so many replicas of a new release are there, too."""
    spec = model.spec
    beside = _way(spec, model.kept_free.replicas + candidate, room)
    alone = _way(spec, spec.scale.max + candidate, slots(model.bound.pool, spec))
    if beside is None or alone is None:
        return None
    return replace(min(beside, alone, key=lambda how: how.max_surge), candidate=candidate)


def _way(spec: ModelSpec, most: int, room: int) -> Rollout | None:
    """How an update replaces `most` replicas of a model, those of a candidate among them; None if there is no way."""
    if spec.rollout.strategy == "recreate":
        return Rollout(max_surge=0, max_unavailable=spec.scale.max, recreate=True) if room >= most else None
    return rollout(spec.scale.min, most, room, downtime=spec.rollout.downtime == "allowed")


def _floors_on_spot(pool: Pool, models: Sequence[_Bound]) -> dict[str, int]:
    """Count, for each model, the minimum replicas without capacity on nodes that are never reclaimed.

    Those nodes go to the models that avoid spot first.
    """
    if not pool.spot:
        return {model.loaded.name: 0 for model in models}
    safe = Nodes(pool, pool.on_demand_nodes)
    order = sorted(models, key=lambda model: (model.spec.spot == "allowed", model.loaded.name))
    each = {model.loaded.name: (demand(model.spec.resources), model.spec.scale.fewest) for model in order}
    return {name: least - safe.put(one, least) for name, (one, least) in each.items()}


def _warnings(model: _Bound, how: Rollout, floor_on_spot: int) -> Iterator[str]:
    spec, pool = model.spec, model.bound.pool
    if how.recreate:
        which = "the only replica" if spec.scale.max == 1 else "all replicas"
        yield f"rollout.strategy: each update stops {which} before a new one starts; until then nobody gets an answer"
    elif how.max_surge == 0 and spec.scale.min == 1 and not how.candidate:
        yield (
            f"rollout.downtime: each update stops the only replica before the next one starts, since pool {pool.name} "
            "has no capacity for both"
        )
    if floor_on_spot:
        yield (
            f"scale.min: {floor_on_spot} of the {spec.scale.min} minimum replicas need spot nodes of pool {pool.name}, "
            "which can be reclaimed at two minutes' notice"
        )


def crowded(pool: Pool, models: Sequence[tuple[str, ModelSpec]]) -> str | None:
    """What to say when the pool at its largest does not hold all of its models at their largest; else None.

    Not refused: they would all have to be at their highest load at the same time. GPUs never come to this.
    """
    loads = [Load(name, demand(spec.resources), spec.scale.max) for name, spec in models]
    _, found = packed(pool, loads)
    missing = sum(load.replicas - found[load.model] for load in loads)
    if not missing:
        return None
    wanted = sum(load.replicas for load in loads)
    return (
        f"pool {pool.name}: if all its models were at scale.max at once, {missing} of {wanted} replicas would find "
        f"no capacity on its {pool.max_nodes} nodes; raise max_nodes, or make sure that they never peak together"
    )


def _no_room(environment: str, model: _Bound, room: int, users: Sequence[_Bound]) -> UserError:
    spec, pool, scale = model.spec, model.bound.pool, model.spec.scale
    most = min(room, slots(pool, spec))
    others = sorted(other.loaded.name for other in users if other is not model)
    beside = f" beside {', '.join(others)}" if others and room < slots(pool, spec) else ""
    has = f"pool {pool.name} has capacity for {most}{beside}"
    if _beside_candidates(model, room, 0) is not None:
        return _no_room_for_both(environment, model, room, has)
    gpu = spec.resources.gpu
    key, wanted = ("max", scale.max) if gpu or slots(pool, spec) <= scale.max else ("min", scale.min)
    place, field = model.loaded.locate(environment, ("scale", key))
    if most < wanted:
        problem = f"replicas do not fit: {has}"
    elif gpu is None:
        problem = f"replicas leave no capacity for the extra one that a rolling update starts: {has}"
    else:
        need = (wanted + 1) * gpu.count
        what = "GPUs" if gpu.share == 1 else "shares of GPUs"
        problem = f"replicas and the extra one that a rolling update starts need {need} {what}: {has} replicas"
    recreates = spec.rollout.strategy == "recreate"
    allowed = f"at most {most if recreates else max(most - 1, 0)}"
    if most > 1 and not recreates:
        allowed += f", or {most} with scale.min of 2 or more, so that one can stop while others serve"
    if most >= 1 and not recreates:
        allowed += f", or {most} with rollout.downtime allowed"
    todo = f"lower scale.{key} or raise max_nodes of pool {pool.name} in the settings of {environment}"
    return WrongValue(place, field, wanted, problem, allowed, todo)


def _no_room_for_both(environment: str, model: _Bound, room: int, has: str) -> UserError:
    """The refusal of a judged rollout where a rolling update would fit; `has`: what the pool has, for people."""
    spec, pool, scale = model.spec, model.bound.pool, model.spec.scale
    new = model.kept_free.replicas
    fits = _way(spec, new + new, room) is not None
    key, old = ("max", scale.max) if fits or spec.resources.gpu else ("min", scale.min)
    # As with any update: where one of several may stop first, or the only one may, none is started beside them.
    surge = 0 if scale.min > 1 or spec.rollout.downtime == "allowed" else 1
    need, gpu = old + new + surge, spec.resources.gpu
    what = "" if gpu is None else f" ({need * gpu.count} {'GPUs' if gpu.share == 1 else 'shares of GPUs'})"
    place, field = model.loaded.locate(environment, ("rollout", "strategy"))
    extra = ", and starts an extra one when these are updated at its end" if surge else ""
    both = f"runs {new} of the new release beside {old} of the old one"
    lower = f"lower scale.{key}, " if old > 1 else ""
    raised = f"raise max_nodes of pool {pool.name} in the settings of {environment}"
    todo = f"write rollout.strategy: rolling, {lower}or {raised}"
    problem = f"{both}{extra}: {need} replicas{what}, and {has}"
    return WrongValue(place, field, spec.rollout.strategy, problem, f"capacity for {need} replicas", todo)
