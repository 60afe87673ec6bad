"""Choose the node pool of each model and how its update rolls, and refuse what could never be scheduled."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.errors import UserError, UserErrors, WrongValue
from infra.load import LoadedSpec
from infra.quantities import format_bytes, format_cpu
from infra.settings import NodePool, Settings
from infra.spec import ModelSpec, Resources, Scale
from infra.variant import Variant


@dataclass(frozen=True, slots=True)
class Rollout:
    """How many pods a rolling update may have above, and lack below, the replicas that there should be."""

    max_surge: int
    max_unavailable: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A model, the pool that its pods run on, and how its update rolls there."""

    variant: Variant
    pool: NodePool
    rollout: Rollout


def place(environment: str, settings: Settings, loaded: Sequence[LoadedSpec]) -> list[Placed]:
    """Place all models of an environment.

    Raises:
        UserErrors: for each model that no pool can hold, or whose update could never finish.
    """
    bad: list[UserError] = []
    chosen: list[tuple[LoadedSpec, Variant, NodePool]] = []
    for spec in loaded:
        variant = spec.variant(environment)
        pool = smallest(settings.node_pools, variant.spec.resources)
        if pool is None:
            bad.append(_no_pool(environment, settings, spec, variant))
        else:
            chosen.append((spec, variant, pool))
    gpu_users: dict[str, list[tuple[str, int, int]]] = {}
    for _, variant, pool in chosen:
        if variant.spec.resources.gpu is not None:
            user = (variant.spec.name, variant.spec.resources.gpu.count, variant.spec.scale.max)
            gpu_users.setdefault(pool.name, []).append(user)
    placed = []
    for spec, variant, pool in chosen:
        others: list[tuple[str, int, int]] = []
        if variant.spec.resources.gpu is not None:
            others = [user for user in gpu_users[pool.name] if user[0] != spec.name]
        room = _room(variant.spec, pool, others)
        how = rollout(variant.spec.scale, room)
        if how is None:
            bad.append(_no_room(environment, spec, variant.spec, pool, room, others))
        else:
            placed.append(Placed(variant, pool, how))
    if bad:
        raise UserErrors(bad)
    return placed


def lacks(pool: NodePool, resources: Resources) -> list[str]:
    """Why not even an empty node of `pool` could hold one replica; empty if it could."""
    reasons = []
    if resources.cpu > pool.cpu:
        reasons.append(f"a node has {format_cpu(pool.cpu)} CPU")
    if resources.memory > pool.memory:
        reasons.append(f"a node has {format_bytes(pool.memory)} memory")
    if resources.gpu is not None:
        if pool.gpu is None:
            reasons.append("no GPU")
        else:
            if resources.gpu.count > pool.gpu.count:
                reasons.append(f"{pool.gpu.count} GPU in a node")
            if resources.gpu.memory > pool.gpu.memory:
                reasons.append(f"{pool.gpu.model} with {format_bytes(pool.gpu.memory)} each")
    return reasons


def smallest(pools: Sequence[NodePool], resources: Resources) -> NodePool | None:
    """The pool that holds a replica and wastes least: without GPUs before with, then the smallest node."""
    fitting = [pool for pool in pools if not lacks(pool, resources)]
    return min(fitting, key=_size, default=None)


def _size(pool: NodePool) -> tuple[int, int, int, int, str]:
    gpus = (pool.gpu.count, pool.gpu.memory) if pool.gpu else (0, 0)
    return (*gpus, pool.memory, pool.cpu, pool.name)


def slots(pool: NodePool, resources: Resources) -> int:
    """Replicas that `pool` holds at its largest if nothing else is there."""
    each = min(pool.cpu // resources.cpu, pool.memory // resources.memory)
    if resources.gpu is not None and pool.gpu is not None:
        each = min(each, pool.gpu.count // resources.gpu.count)
    return each * pool.max_nodes


def rollout(scale: Scale, room: int) -> Rollout | None:
    """How to update a model for which there is room for `room` replicas; None if no way keeps serving.

    A new pod beside the old ones is best. Where there is no room for it, one old pod goes first, which needs a second
    one that serves meanwhile: with a single replica the update would either stop serving or wait for ever.
    """
    if room > scale.max:
        return Rollout(max_surge=1, max_unavailable=0)
    if room == scale.max and scale.min > 1:
        return Rollout(max_surge=0, max_unavailable=1)
    return None


def gpu_room(pool: NodePool, count: int, others: Sequence[tuple[int, int]]) -> int:
    """Replicas of `count` GPUs for which `pool` has room beside others, by GPUs alone.

    Args:
        pool: a pool with GPUs.
        count: GPUs of one replica.
        others: of each other model of the pool, GPUs of one replica and how many replicas it may get. A GPU is
            never shared, so that what others may get has to be left to them.

    Returns:
        Whole replicas that fit on what the others leave, large ones packed first.
    """
    gpus = pool.gpu.count if pool.gpu else 0
    free = [gpus] * pool.max_nodes
    for size, replicas in sorted(others, reverse=True):
        left = replicas
        for node in range(len(free)):
            taken = min(left, free[node] // size)
            free[node] -= taken * size
            left -= taken
            if not left:
                break
    return sum(node // count for node in free)


def _room(spec: ModelSpec, pool: NodePool, others: Sequence[tuple[str, int, int]]) -> int:
    room = slots(pool, spec.resources)
    if spec.resources.gpu is None:
        return room
    return min(room, gpu_room(pool, spec.resources.gpu.count, [(count, most) for _, count, most in others]))


def _no_pool(environment: str, settings: Settings, spec: LoadedSpec, variant: Variant) -> UserError:
    resources = variant.spec.resources
    pools = "; ".join(f"{pool.name}: {', '.join(lacks(pool, resources))}" for pool in settings.node_pools)
    lacking = [pool for pool in settings.node_pools if not lacks(pool, resources.model_copy(update={"gpu": None}))]
    key = "gpu" if lacking else _largest(settings, variant)
    place, field = spec.locate(environment, ("resources", key))
    value = resources.model_dump(mode="json")[key]
    problem = f"is more than any node pool of {environment} has in a node"
    todo = f"ask for less, or add a pool to the settings of {environment}"
    return WrongValue(place, field, value, problem, f"what one of these has ({pools})", todo)


def _largest(settings: Settings, variant: Variant) -> str:
    """Which of CPU and memory to blame when a replica does not fit even without its GPUs."""
    memory_fits = any(pool.memory >= variant.spec.resources.memory for pool in settings.node_pools)
    return "cpu" if memory_fits else "memory"


def _no_room(
    environment: str,
    spec: LoadedSpec,
    merged: ModelSpec,
    pool: NodePool,
    room: int,
    others: Sequence[tuple[str, int, int]],
) -> UserError:
    scale, gpu = merged.scale, merged.resources.gpu
    place, field = spec.locate(environment, ("scale", "max"))
    room = max(room, 0)
    beside = f" beside {', '.join(sorted(name for name, _, _ in others))}" if others else ""
    has = f"pool {pool.name} has room for {room}{beside}"
    if room < scale.max:
        problem = f"replicas do not fit: {has}"
    elif gpu is None:
        problem = f"replicas leave no room for the one more that a rolling update starts: {has}"
    else:
        need = (scale.max + 1) * gpu.count
        problem = f"replicas and the one more that a rolling update starts need {need} GPUs: {has} replicas"
    allowed = f"at most {max(room - 1, 0)}"
    if room > 1:
        allowed += f", or {room} with scale.min of 2 or more, so that one can stop while others serve"
    todo = f"lower scale.max or raise max_nodes of pool {pool.name} in the settings of {environment}"
    return WrongValue(place, field, scale.max, problem, allowed, todo)
