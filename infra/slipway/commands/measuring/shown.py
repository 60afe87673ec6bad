"""Show what was measured: as tables and lines, as a JSON document, and as a page with a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.errors.base import FileRefused
from slipway.measuring import kept
from slipway.measuring.chart import draw
from slipway.measuring.findings import Finding, Point, Step
from slipway.measuring.hardware import Hardware
from slipway.measuring.proposal import Proposal
from slipway.measuring.steps import Asked, label
from slipway.plan.model import ModelPlan
from slipway.simulation.page import page
from slipway.values.quantities import format_bytes, format_cpu

_MI = 2**20
_BUSY = 0.2
"""Cores that other programs may use before somebody should know."""
_FULL = 0.9
_COLUMNS = (
    "CPU",
    "MEMORY",
    "START",
    "IDLE",
    "PEAK",
    "ALONE",
    "MOST/S",
    "KNEE/S",
    "PER CORE",
    "P50",
    "P95",
    "P99",
    "CORES",
)


def steps_table(found: Sequence[Step]) -> tuple[Sequence[str], list[list[str]]]:
    """Columns and rows: a pair of limits in each."""
    return _COLUMNS, [_row(step) for step in found]


def findings_table(found: Sequence[Finding]) -> tuple[Sequence[str], list[list[str]]]:
    """The same of findings that were kept, with what they were measured on."""
    rows = [[one.machine.cpu, one.runtime, one.how, one.version, one.date, *_row(one.step)] for one in found]
    return ("HARDWARE", "RUNTIME", "AS", "VERSION", "DATE", *_COLUMNS), rows


def _row(step: Step) -> list[str]:
    limits = [format_cpu(step.cpu), format_bytes(step.memory)]
    if step.failed:
        return [*limits, "does not serve", *["-"] * (len(_COLUMNS) - 3)]
    point = step.at_knee
    times = [f"{value:.1f} ms" if value else "-" for value in _times(point)]
    return [
        *limits,
        f"{step.startup_s or 0:.1f} s",
        f"{(step.idle_bytes or 0) / _MI:.0f}Mi",
        f"{(step.peak_bytes or 0) / _MI:.0f}Mi",
        f"{step.alone_ms:.1f} ms" if step.alone_ms else "-",
        f"{step.most or 0:.0f}",
        f"{step.knee:.0f}" if step.knee else "-",
        f"{step.per_core:.0f}" if step.per_core else "-",
        *times,
        f"{point.cores:.2f}" if point else "-",
    ]


def _times(point: Point | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if point is None else (point.p50_ms, point.p95_ms, point.p99_ms)


def lines(
    model: ModelPlan, said: str, machine: Hardware, asked: Asked, best: Step | None, proposals: Sequence[Proposal]
) -> list[str]:
    """What a reader must know of how it was measured, and each proposal with its reason."""
    found = [
        f"{model.name} {model.version}: measured {said}",
        f"on {machine.cpu}, {machine.cores} cores that the asking used too, kernel {machine.kernel}",
        "the knee is the highest rate with "
        + (
            f"95 of 100 answers within {asked.within_ms:g} ms"
            if asked.within_ms
            else "the most requests for each second of waiting"
        ),
    ]
    if best is not None:
        found.append(f"proposed is {label(best.cpu, best.memory)}, where a core manages most and answers come soonest")
        found += _doubts(best, machine)
    for one in proposals:
        changed = f"{one.now} -> {one.value}" if one.changes else f"{one.value} stays"
        found.append(f"  {'.'.join(map(str, one.path))}: {changed} ({one.why})")
    return found


def _doubts(best: Step, machine: Hardware) -> list[str]:
    """What the numbers may be wrong by: a machine that did other things, or too few cores for server and asking."""
    others = max((point.other_cores for point in best.points), default=0.0)
    if others > _BUSY:
        return [
            f"warning: other programs used {others:.1f} of {machine.cores} cores meanwhile: on an idle machine it "
            "would have managed more, and sooner"
        ]
    if any(point.cores + point.client_cores > _FULL * machine.cores for point in best.points):
        return ["warning: server and asking together had this machine full: more cores would show more"]
    return []


def document(
    findings: Sequence[Finding], proposals: Sequence[Proposal], diff: Sequence[str], *, written: bool
) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        "findings": [one.model_dump(mode="json") for one in findings],
        "proposals": [
            {"field": ".".join(map(str, one.path)), "now": one.now, "value": one.value, "why": one.why}
            for one in proposals
        ],
        "diff": list(diff),
        "written": written and bool(diff),
    }


def matrix_document(measured: Sequence[kept.Measured]) -> list[dict[str, Any]]:
    """The matrix as JSON values: f of each model, and their mean P."""
    return [
        {
            "hardware": cpu,
            "cpu": format_cpu(millis),
            "runtime": runtime,
            "each": values,
            "mean": sum(values) / len(values),
        }
        for (cpu, millis), row in kept.matrix(measured).items()
        for runtime, values in sorted(row.items())
    ]


def write_page(
    file: Path,
    name: str,
    said: Sequence[str],
    found: Sequence[Step],
    diff: Sequence[str],
    measured: Sequence[kept.Measured],
) -> None:
    """Write a page with the picture of all rates, their tables, the proposed change and the matrix.

    Raises FileRefused for a file that cannot be written.
    """
    rates = [[label(step.cpu, step.memory), *_rate(point)] for step in found for point in step.points]
    tables = [
        ("Limits", *steps_table(found)),
        ("Rates", ("LIMITS", "SENT/S", "ANSWERED/S", "P50 MS", "P95 MS", "P99 MS", "LOST", "CORES"), rates),
        ("Proposed change of the spec", ("LINE",), [[line] for line in diff]),
        ("All models, requests a second at the knee", *kept.table(measured)),
    ]
    text = page(f"{name}, measured", said, draw(found), tables)
    try:
        file.write_text(text)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(file), problem, "a file that can be written", "name another with --html") from None


def _rate(point: Point) -> list[str]:
    times = [f"{value:.1f}" if value else "-" for value in _times(point)]
    return [f"{point.rate:.0f}", f"{point.answered:.0f}", *times, str(point.lost), f"{point.cores:.2f}"]
