"""Show advice as tables and lines for people: the ranking, what was refused and why, and what the numbers stand on."""

from collections.abc import Iterator, Sequence

from slipway.advice.figures import BASES, Figure, shown
from slipway.advice.ranking import Advice
from slipway.catalog.elsewhere import elsewhere as others
from slipway.simulation.page import Table

RANKED = "Ranking"
REFUSED = "Not feasible"
ELSEWHERE = "The same GPUs elsewhere"
SOURCES = "What the numbers stand on"
LEFT_OUT = (
    "the round trip of the network and TLS; what an environment costs whatever runs on it (`slipway price`); "
    "requests, stored images and weights, taxes and discounts"
)
_COLUMNS = ("", "LOCATION", "NODE", "REPLICAS", "LATENCY MS", "COMPUTE $", "STORAGE $", "NETWORK $", "$/MONTH", "PER $")


def ranking(advice: Sequence[Advice]) -> Table:
    """All that is not refused; a `?` is unknown, and a letter says what a number stands on."""
    there = [one for one in advice if one.refused is None]
    return RANKED, _COLUMNS, [_row(str(number), one) for number, one in enumerate(there, 1)]


def _row(number: str, one: Advice) -> list[str]:
    pool, cost = one.location.pool, one.cost
    parts = ("compute", "storage", "network")
    return [
        number,
        one.location.name,
        pool.instance_types[0] if pool.instance_types else "-",
        shown(one.replicas, 0),
        shown(one.latency_ms, 1),
        *(shown(cost.of(part) if cost is not None else None) for part in parts),
        shown(cost.usd if cost is not None else None),
        shown(one.effectiveness, 4),
    ]


def refusals(advice: Sequence[Advice]) -> Table:
    """What is refused: by which question first, and every reason."""
    rows = [
        [one.location.name, one.refused.question, "; ".join(why.why for why in one.answers if why.verdict == "no")]
        for one in advice
        if one.refused is not None
    ]
    return REFUSED, ("LOCATION", "NO TO", "WHY"), rows


def elsewhere(advice: Sequence[Advice]) -> Table:
    """Machines of other clouds with the GPUs of the nodes that are ranked, a row for each type of node."""
    nodes = {
        one.location.pool.instance_types[0]: one.location.equivalents
        for one in advice
        if one.refused is None and one.location.equivalents
    }
    rows = [
        [node, *(", ".join(one.name for one in found if one.cloud == cloud) or "-" for cloud in ("gcp", "azure"))]
        for node, found in nodes.items()
    ]
    return ELSEWHERE, ("NODE", "GCP", "AZURE"), rows


def sources(advice: Sequence[Advice]) -> Table:
    """Each number of the ranking, and where it is from."""
    rows = [
        [one.location.name, name, shown(figure, 4), figure.source]
        for one in advice
        if one.refused is None
        for name, figure in _figures(one)
    ]
    return SOURCES, ("LOCATION", "NUMBER", "VALUE", "FROM"), rows


def _figures(one: Advice) -> Iterator[tuple[str, Figure]]:
    if one.processing is not None:
        yield "processing, ms", one.processing.ms
        yield "requests a second of a replica", one.processing.rps
    if one.replicas is not None:
        yield "replicas", one.replicas
    for part in one.cost.parts if one.cost is not None else ():
        yield f"{part.name}, {part.unit}", part.amount
        if part.usd is not None:
            yield f"{part.name}, $ a month", part.usd


def notes(model: str, advice: Sequence[Advice]) -> Iterator[str]:
    """Yield what a reader needs beside the tables: the needs, what is not known, and what is left out."""
    yield from _needs(advice)
    there = [one for one in advice if one.refused is None]
    for one in there:
        yield from (f"{one.location.name}: {answer.why}" for answer in one.unproven)
    for reason in dict.fromkeys(one.reluctance for one in there if one.reluctance):
        names = [one.location.name for one in there if one.reluctance == reason]
        yield f"ranked last, since `slipway plan` takes a pool {reason} only when there is no other: {', '.join(names)}"
    silent = [one.location.name for one in there if one.latency_ms is None]
    if silent:
        where = "anywhere" if len(silent) == len(there) else f"in {', '.join(silent)}"
        how = f"`slipway measure {model}` measures it on a CPU, and --processing-ms says it"
        yield f"how long a request takes is not known {where}: {how}"
    if elsewhere(advice)[2]:
        yield f"the same GPUs elsewhere: as of {others().date}, no prices"
    yield f"letters: {', '.join(f'{basis[0]} {basis}' for basis in BASES)}; ? is not known"
    yield "latency = data / bandwidth + processing"
    yield "PER $ = 1 / latency / cost: requests that one client gets answered a second, for each dollar a month"
    yield f"left out: {LEFT_OUT}"


def _needs(advice: Sequence[Advice]) -> Iterator[str]:
    """Yield the needs: what all environments share once, the rest with the environment's name."""
    own = {one.location.environment: tuple(one.needs.lines()) for one in advice}
    for line in dict.fromkeys(line for lines in own.values() for line in lines):
        names = [name for name, lines in own.items() if line in lines]
        yield line if len(names) == len(own) else f"{', '.join(names)}: {line}"
