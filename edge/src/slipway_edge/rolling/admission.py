"""Which models a device runs where its memory does not suffice for all: what `plan` refuses, looked at again there."""

from collections.abc import Sequence

from slipway_edge.values.document import Entry


def by_priority(entries: Sequence[Entry]) -> list[Entry]:
    """The highest priority first; of the same, in the order that the document has."""
    return sorted(entries, key=lambda entry: -entry.priority)


def turned_away(entries: Sequence[Entry], memory: int | None) -> dict[str, str]:
    """Models that are not started, and why. `memory`: bytes that all of them may take together; None: any.

    What they may take counts, not what they take now: a device that is full only when all are busy fails at the worst
    moment.
    """
    left = memory
    found: dict[str, str] = {}
    for entry in by_priority(entries):
        if left is None or entry.memory <= left:
            left = None if left is None else left - entry.memory
        else:
            found[entry.model] = (
                f"not started: it may take {entry.memory} bytes of memory; "
                f"models of priority {entry.priority} or higher leave {left} of {memory}"
            )
    return found
