"""Contains what the gate measured, as data: one entry for the model as it was, and one after each step."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter

SHARES = ("accuracy", "precision", "recall", "f1", "roc_auc", "cosine")
"""Metrics that one row moves by about 1/rows; the rest have no upper bound."""
_DECIMALS = 6
_LEAST_DIGITS = 2

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Timing:
    """Times of `runs` requests of one kind, warm, in milliseconds; p99 is None where the runs are too few to tell."""

    p50_ms: float
    p99_ms: float | None
    runs: int

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Confusion:
    """How often which class was answered: `counts[i][j]` rows have class `labels[i]` and were answered `labels[j]`."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    __pydantic_config__ = _STRICT


@dataclass(frozen=True)
class Variant:
    """One model that was measured.

    Attributes:
        name: the step that made it; `source` for the model as it was.
        format: `onnx` or `tflite`.
        sha256: of its bytes, as the lock has it.
        size_bytes: of all its files.
        memory_bytes: the most that a process took which loaded it and answered one request, Python and engine included.
        one_row: times of the dataset's first row.
        golden: times of the golden request.
        broken_rows: rows of the dataset with NaN or infinity in the answer.
        agreement: share of rows that are answered as the original answers them; None without a dataset.
        metric: how right the answers are; None without a metric, or where answers are broken.
        robustness: the metric under each disturbance, None where answers are broken.
        confusion: for metrics of classes, at most 50 of them.
        outputs: profile of its answers to the dataset.
    """

    name: str
    format: str
    sha256: str
    size_bytes: int
    memory_bytes: int
    one_row: Timing | None = None
    golden: Timing | None = None
    broken_rows: int = 0
    agreement: float | None = None
    metric: float | None = None
    robustness: Mapping[str, float | None] = field(default_factory=dict)
    confusion: Confusion | None = None
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    __pydantic_config__ = _STRICT

    @property
    def timing(self) -> Timing:
        """The times that tables show: of one row, else of the golden request."""
        found = self.one_row or self.golden
        if found is None:
            raise ValueError(f"{self.name} was not timed")
        return found


@dataclass(frozen=True)
class Report:
    """What the gate measured in one run.

    Attributes:
        model: name of the model.
        variants: the original first, then one after each step; the last one serves.
        threads: of each engine, as many as the model server has within the CPU limit.
        cpus: the limit.
        processor: what it all ran on, in the processor's own words.
        tools: versions of what measured.
        metric: as `accept` names it, or None.
        output: the output that was held against the dataset, or None.
        dataset: its path in the repository, or None.
        rows: of the dataset, or None.
        inputs: profile of the dataset's inputs.
        drift: profile that drift is held against (`slipway.gate.profile`); empty where nobody asks.
        notes: what people should know, a line each.
    """

    model: str
    variants: tuple[Variant, ...]
    threads: int
    cpus: float
    processor: str
    tools: Mapping[str, str]
    metric: str | None = None
    output: str | None = None
    dataset: str | None = None
    rows: int | None = None
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    __pydantic_config__ = _STRICT

    @property
    def original(self) -> Variant:
        """The model as it was."""
        return self.variants[0]

    @property
    def served(self) -> Variant:
        """What the last step made."""
        return self.variants[-1]

    def rounded(self, value: float) -> float:
        """A value of the metric, as exact as the number of rows allows: a lock must not tell machines apart.

        Shares have steps of 1/rows; numbers without bounds get as many significant digits as the rows have.
        """
        return rounded(value, self.rows or 1, share=self.metric in SHARES)

    def locked_metrics(self, name: str) -> dict[str, float]:
        """What a lock says about a variant: metric, agreement, and the metric under each disturbance."""
        variant = next(each for each in self.variants if each.name == name)
        found = {} if variant.metric is None or self.metric is None else {self.metric: self.rounded(variant.metric)}
        if variant.agreement is not None:
            found["agreement"] = rounded(variant.agreement, self.rows or 1, share=True)
        disturbed = {each: value for each, value in variant.robustness.items() if value is not None}
        return found | {each: self.rounded(value) for each, value in disturbed.items()}

    def reference(self, name: str) -> dict[str, Any]:
        """What a lock keeps of the dataset and a variant's answers, for whoever asks later what has changed."""
        variant = next(each for each in self.variants if each.name == name)
        if not self.rows:
            return {}
        found = {"rows": self.rows, "inputs": dict(self.inputs), "outputs": dict(variant.outputs)}
        return found | ({"drift": dict(self.drift)} if self.drift else {})


def rounded(value: float, rows: int, *, share: bool) -> float:
    """A number of a dataset with `rows` rows: to the nearest 1/rows if it is a share, else to as many digits."""
    if share:
        return round(round(value * rows) / rows, _DECIMALS)
    digits = max(_LEAST_DIGITS, math.ceil(math.log10(rows)))
    return float(f"{value:.{digits}g}")


_ADAPTER = TypeAdapter(Report)


def to_json(report: Report) -> str:
    """The report as a JSON document."""
    return _ADAPTER.dump_json(report, indent=2).decode() + "\n"


def from_json(text: str) -> Report:
    """The report of a document that `to_json` wrote; raises pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_json(text)


def from_document(document: Mapping[str, Any]) -> Report:
    """The report of a JSON document; raises pydantic's ValidationError where it is none."""
    return _ADAPTER.validate_python(document)
