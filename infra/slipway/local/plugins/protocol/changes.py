"""Name one field of a resource that differs, as the engine does."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    path: Path
    kind: Literal["add", "delete", "update"]

    def __str__(self) -> str:
        return render(self.path)


def render(path: Path) -> str:
    """A property path as the engine reads it: `spec.ports[0].port`, `metadata.labels["a.b/c"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.search(r'[."\[\]]', step):
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text
