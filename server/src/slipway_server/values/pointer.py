"""Find values in JSON: by key, or by JSON pointer (RFC 6901)."""

from collections.abc import Iterable, Iterator
from typing import Any


def found_in(document: Any, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield what a JSON document has of what is asked for, with its name; what is not there is left out."""
    for name in names:
        value = document
        for part in steps(name):
            try:
                value = value[int(part)] if isinstance(value, list) and is_index(part) else value[part]
            except (KeyError, IndexError, TypeError):
                break
        else:
            yield name, value


def is_index(part: str) -> bool:
    """Whether a part of a JSON pointer may be the number of an entry: digits, without zeros in front."""
    return part == "0" or (part.isascii() and part.isdecimal() and not part.startswith("0") and len(part) < 10)


def steps(name: str) -> list[str]:
    """The way that a name leads: a JSON pointer if it begins with `/`, else one key."""
    if not name.startswith("/"):
        return [name]
    return [part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/")]
