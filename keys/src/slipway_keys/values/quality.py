"""How good a model's answers were: measures out of counts of what it said and what turned out to be right."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_ROWS = 64
"""Rows of one answer that are kept; a model server reports no more."""
MOST_LABEL = 500
"""Characters of a class's name."""


class Cell(NamedTuple):
    """One cell of a confusion matrix: how often the model said `predicted` where `label` was right."""

    label: str
    predicted: str
    times: int


class ClassMeasures(NamedTuple):
    """Of one class: shares from 0 to 1, and how often it was right (`support`)."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one version.

    Attributes:
        version: of the model.
        feedbacks: rows that have feedback of any kind.
        labels: rows that have a label; the measures are of these.
        measures: by name, without those that have nothing to be measured by.
        classes: of a classification.
        confusion: of a classification, the most frequent first.
        ratings, outcomes: how many there are.
    """

    version: str
    feedbacks: int
    labels: int
    measures: Mapping[str, float]
    classes: Sequence[ClassMeasures] = field(default_factory=tuple)
    confusion: Sequence[Cell] = field(default_factory=tuple)
    ratings: int = 0
    outcomes: int = 0

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "version": self.version,
            "feedbacks": self.feedbacks,
            "labels": self.labels,
            "ratings": self.ratings,
            "outcomes": self.outcomes,
            "measures": dict(self.measures),
            "classes": [one._asdict() for one in self.classes],
            "confusion": [one._asdict() for one in self.confusion],
        }


def classified(cells: Sequence[Cell], positive: str | None) -> tuple[dict[str, float], list[ClassMeasures]]:
    """Return accuracy, precision, recall and F1, and the latter three of each class.

    Precision, recall and F1 are the positive class's, or the mean over all classes that were said or right where there
    is none; one that would be divided by zero is zero. As scikit-learn has them: `average="binary"` or `"macro"`,
    `zero_division=0` (https://scikit-learn.org/stable/modules/model_evaluation.html).
    """
    total = sum(cell.times for cell in cells)
    if not total:
        return {}, []
    names = sorted({name for cell in cells for name in (cell.label, cell.predicted)})
    classes = [_of_class(name, cells) for name in names]
    chosen = classes if positive is None else [_of_class(positive, cells)]
    right = sum(cell.times for cell in cells if cell.label == cell.predicted)
    return {
        "accuracy": right / total,
        "precision": _mean(one.precision for one in chosen),
        "recall": _mean(one.recall for one in chosen),
        "f1": _mean(one.f1 for one in chosen),
    }, classes


def _of_class(name: str, cells: Iterable[Cell]) -> ClassMeasures:
    right = said = support = 0
    for cell in cells:
        said += cell.times if cell.predicted == name else 0
        support += cell.times if cell.label == name else 0
        right += cell.times if cell.predicted == cell.label == name else 0
    return ClassMeasures(name, _share(right, said), _share(right, support), _share(2 * right, said + support), support)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found)
