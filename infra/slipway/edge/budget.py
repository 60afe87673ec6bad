"""Hold all models of a class of devices against its memory and processors: no device should have to choose."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.environments.planning.edge import RESERVED
from slipway.settings.edge_models import FleetModel, processors
from slipway.values.quantities import format_bytes, format_cpu


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one model takes: bytes of memory, thousandths of a core, and what the settings say of it in particular."""

    memory: int
    cpu: int
    particular: FleetModel

    @property
    def name(self) -> str:
        """The model's."""
        return self.particular.name

    @property
    def pinned(self) -> frozenset[int]:
        """The processors of its `cpuset`; none: any."""
        return processors(self.particular.cpuset or "")


@dataclass(frozen=True, slots=True)
class Excess:
    """Why a class of devices cannot do all. `model` and `field`: whose setting it is about; None: about all of them."""

    problem: str
    allowed: str
    todo: str
    model: str | None = None
    field: str = ""


def excesses(name: str, cores: int, memory: int, models: Sequence[Wanted]) -> Iterator[Excess]:
    """What there is too much of on the class `name`; `memory`: bytes that its devices have for models."""
    yield from _of_memory(name, memory, [one for one in models if one.memory <= memory])
    yield from _of_sets(name, cores, models)
    yield from _of_processors(name, cores, models)


def _of_memory(name: str, memory: int, models: Sequence[Wanted]) -> Iterator[Excess]:
    """All run at once, and a new version starts beside the old one: the largest needs its memory twice."""
    sizes = [one.memory for one in models]
    if sizes and sum(sizes) + max(sizes) > memory:
        yield Excess(
            f"on {name}: {_names(models)} need {format_bytes(sum(sizes))}, and "
            f"{format_bytes(max(sizes))} more while a new version starts beside the old one",
            f"{format_bytes(memory)}: a device's memory less {format_bytes(RESERVED)} for its system",
            "put fewer models on the class (placement), or lower resources.memory in their specs",
        )


def _of_sets(name: str, cores: int, models: Sequence[Wanted]) -> Iterator[Excess]:
    """Each set by itself, then each of a real-time model against those of the others."""
    for one in models:
        if beyond := one.pinned - set(range(cores)):
            problem = f"on {name}: there is no processor {min(beyond)}"
            todo = f'write for example "0-{cores - 1}"' if cores > 1 else 'write "0"'
            yield Excess(problem, f"processors 0 to {cores - 1}, as the class has", todo, one.name, "cpuset")
        elif one.pinned and one.cpu > 1000 * len(one.pinned):
            problem = f"on {name}: {one.name} may use {format_cpu(one.cpu)} CPU, and the set has {len(one.pinned)}"
            todo = "enlarge the set, or lower resources.cpu in the spec"
            yield Excess(problem, "as many processors as resources.cpu", todo, one.name, "cpuset")
    for index, one in enumerate(models):
        for other in models[:index]:
            shared = one.pinned & other.pinned
            if shared and (one.particular.realtime or other.particular.realtime):
                alone = one if one.particular.realtime else other
                problem = f"on {name}: processor {min(shared)} is {other.name}'s, too, and {alone.name} is real-time"
                todo = "give each its own"
                yield Excess(problem, "processors that no real-time model has", todo, one.name, "cpuset")


def _of_processors(name: str, cores: int, models: Sequence[Wanted]) -> Iterator[Excess]:
    """All together, and those without processors of their own on what real-time models leave."""
    taken = sum(one.cpu for one in models)
    if taken > 1000 * cores:
        problem = f"on {name}: {_names(models)} may use {format_cpu(taken)} CPU together"
        todo = "put fewer models on the class (placement), or lower resources.cpu in their specs"
        yield Excess(problem, f"{cores}, the cores of the class", todo)
        return
    reserved = frozenset[int]().union(*(one.pinned for one in models if one.particular.realtime))
    left = cores - len(reserved & set(range(cores)))
    others = [one for one in models if not one.pinned]
    if reserved and others and sum(one.cpu for one in others) > 1000 * left:
        of_others = format_cpu(sum(one.cpu for one in others))
        problem = f"on {name}: {_names(others)} may use {of_others} CPU, and real-time models leave {left} processors"
        todo = "shorten a cpuset, put fewer models on the class (placement), or lower resources.cpu in their specs"
        yield Excess(problem, f"{left}", todo)


def _names(models: Sequence[Wanted]) -> str:
    return ", ".join(one.name for one in models)
