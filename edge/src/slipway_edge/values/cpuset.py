"""Sets of processors as Linux writes them: `0-1`, `0,2`, `0-1,4`."""

import re
from collections.abc import Collection, Iterable, Mapping

_SET = re.compile(r"[0-9]{1,4}(?:-[0-9]{1,4})?(?:,[0-9]{1,4}(?:-[0-9]{1,4})?)*")


def processors(text: str) -> frozenset[int]:
    """The numbers in a set; empty: it is none."""
    if not _SET.fullmatch(text):
        return frozenset()
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if int(last or first) < int(first):
            return frozenset()
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def written(numbers: Iterable[int]) -> str:
    """A set as Linux takes it."""
    return ",".join(map(str, sorted(numbers)))


def shared_out(sets: Mapping[str, str | None], realtime: Collection[str], there: int) -> dict[str, str]:
    """The processors of each model, of so many; empty: any of them.

    Who has a set of its own keeps it. The others get what real-time models leave; if that is nothing, everything, since
    a model that may run nowhere is no better off.
    """
    reserved = frozenset[int]().union(*(processors(sets[model] or "") for model in realtime))
    left = frozenset(range(there)) - reserved
    others = written(left) if reserved and left else ""
    return {model: own or others for model, own in sets.items()}
