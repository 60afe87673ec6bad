"""Contains what all steps have in common."""

from typing import ClassVar

from slipway.values.quantities import refusal
from slipway.values.section import Section


class StepSection(Section):
    """One step. `kind`: its first key, which says what the step is."""

    kind: ClassVar[str]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of the repository that the step reads, each once, in the order of the spec."""
        return ()


def refuse_more(found: int, most: int, what: str, at: tuple[str, ...]) -> None:
    """Refuse a list that is longer than `most`; `what` it holds, in the plural."""
    if found > most:
        raise refusal(f"has {found} {what}", f"{most} {what} at most", f"remove {found - most}", at)


def refuse_twice(values: tuple[str, ...], field: str) -> None:
    """Refuse a list of files that names one twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise refusal(f"{value} is named twice", "each file once", "remove one", (field, index))
