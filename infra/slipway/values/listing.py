"""Name the first of many things, and say how many more there are."""

from collections.abc import Sequence


def some(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`: at most so many by name."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
