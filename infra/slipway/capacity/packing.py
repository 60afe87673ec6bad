"""Count how many replicas fit on the nodes of a pool, beside each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slipway.environments.planning.pool import Pool
from slipway.spec.resources import Resources

_Free = tuple[int, int, int, int]
"""Of a node: thousandths of a core, bytes, GPUs or parts of GPUs, and pods that are free."""
_ANY_NUMBER = 2**31


@dataclass(frozen=True, slots=True)
class Demand:
    """What one replica takes of a node of its pool.

    Attributes:
        cpu: thousandths of a core.
        memory: bytes.
        gpus: GPUs, or the parts of GPUs that the pool's nodes offer.
    """

    cpu: int
    memory: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Load:
    """Replicas of one model that have to be on a pool at the same time."""

    model: str
    each: Demand
    replicas: int


def demand(resources: Resources) -> Demand:
    """What one replica takes of a node; a replica never has more than one part of a shared GPU."""
    return Demand(resources.cpu, resources.memory, resources.gpu.count if resources.gpu else 0)


def part(each: Demand, pool: Pool) -> Fraction:
    """The part of a node that nobody else can use: the largest of its shares of CPU, memory and GPUs."""
    gpus = Fraction(each.gpus, pool.gpu.count) if pool.gpu else Fraction(0)
    return max(Fraction(each.cpu, pool.cpu), Fraction(each.memory, pool.memory), gpus)


class Nodes:
    """Nodes of a pool, as many as it has at its largest unless told otherwise, and what is still free on each.

    Neighbours with the same amounts free are kept as one group, since most of a large pool is empty or full.
    """

    def __init__(self, pool: Pool, count: int | None = None) -> None:
        pods = _ANY_NUMBER if pool.pods is None else pool.pods
        self._whole = (pool.cpu, pool.memory, pool.gpu.count if pool.gpu else 0, pods)
        self._groups = [(self._whole, pool.max_nodes if count is None else count)]

    def room(self, each: Demand) -> int:
        """How many more replicas fit."""
        return sum(count * _fitting(free, each) for free, count in self._groups)

    def put(self, each: Demand, replicas: int) -> int:
        """Place replicas on the first nodes with capacity; returns how many were placed."""
        left = replicas
        groups: list[tuple[_Free, int]] = []
        for free, count in self._groups:
            most = _fitting(free, each) if left else 0
            filled = min(count, left // most) if most else 0
            over = left - filled * most if most and filled < count else 0
            left -= filled * most + over
            rest = count - filled - (1 if over else 0)
            parts = ((_taken(free, each, most), filled), (_taken(free, each, over), 1 if over else 0), (free, rest))
            for part_free, part_count in parts:
                if groups and part_count and groups[-1][0] == part_free:
                    groups[-1] = (part_free, groups[-1][1] + part_count)
                elif part_count:
                    groups.append((part_free, part_count))
        self._groups = groups
        return replicas - left

    @property
    def used(self) -> int:
        """Nodes that have a replica."""
        return sum(count for free, count in self._groups if free != self._whole)


def _taken(free: _Free, each: Demand, replicas: int) -> _Free:
    cpu, memory, gpus, pods = free
    return (cpu - replicas * each.cpu, memory - replicas * each.memory, gpus - replicas * each.gpus, pods - replicas)


def _fitting(free: _Free, each: Demand) -> int:
    cpu, memory, gpus, pods = free
    most = min(cpu // each.cpu, memory // each.memory, pods)
    return min(most, gpus // each.gpus) if each.gpus else most


def packed(pool: Pool, loads: Iterable[Load]) -> tuple[Nodes, dict[str, int]]:
    """Place all loads on the pool, large replicas first, as a lucky scheduler would.

    Returns:
        The nodes, and of each model how many replicas found room.
    """
    nodes = Nodes(pool)
    largest_first = sorted(loads, key=lambda load: (-load.each.gpus, -part(load.each, pool), load.model))
    return nodes, {load.model: nodes.put(load.each, load.replicas) for load in largest_first}


def rooms(pool: Pool, loads: Sequence[Load]) -> dict[str, int]:
    """For how many replicas of each model there is room while every other has its own.

    A better arrangement than the one tried may hold more. But a pool is never promised twice: if not all loads fit, the
    largest that is short finds no more capacity when it comes last, since what came before it is where it was.
    """
    nodes, found = packed(pool, loads)
    all_fit = all(found[load.model] == load.replicas for load in loads)
    result = {}
    for load in loads:
        room = found[load.model] + nodes.room(load.each) if all_fit else 0
        if room <= load.replicas:
            others = [other for other in loads if other is not load]
            without, put = packed(pool, others)
            if not all_fit or all(put[other.model] == other.replicas for other in others):
                room = max(room, without.room(load.each))
        result[load.model] = room
    return result
