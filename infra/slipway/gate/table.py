"""Lay a report out as a table: a row for the model as it was, and one after each step."""

from collections.abc import Sequence

from rich.filesize import decimal

from slipway.gate.judge import Refusal
from slipway.gate.report import Report, Variant, rounded


def table(report: Report, refusals: Sequence[Refusal] = ()) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for `slipway.console.table`; what was not measured is a dash."""
    metric = [report.metric] if report.metric else []
    disturbances = list(report.original.robustness)
    agreement = ["agreement"] if report.rows else []
    columns = ["step", "format", "size", "memory", "p50", "p99", *agreement, *metric, *disturbances, ""]
    return columns, [_row(report, each, disturbances, refusals) for each in report.variants]


def _row(report: Report, variant: Variant, disturbances: Sequence[str], refusals: Sequence[Refusal]) -> list[str]:
    first, is_first = report.original, variant is report.original
    size = decimal(variant.size_bytes)
    if not is_first:
        size += f" ({variant.size_bytes / first.size_bytes:.0%})"
    timing = variant.timing
    cells = [variant.name, variant.format, size, decimal(variant.memory_bytes), _ms(timing.p50_ms)]
    cells.append("-" if timing.p99_ms is None else _ms(timing.p99_ms))
    if report.rows:
        cells.append("-" if variant.agreement is None else f"{rounded(variant.agreement, report.rows, share=True):g}")
    measured = [variant.metric] if report.metric else []
    measured += [variant.robustness.get(each) for each in disturbances]
    cells += ["-" if value is None else f"{report.rounded(value):g}" for value in measured]
    broken = list(dict.fromkeys(each.rule for each in refusals if each.stage == variant.name))
    return [*cells, f"refused: {', '.join(broken)}" if broken else ""]


def lines(report: Report) -> list[str]:
    """What the table's numbers mean, for beside it."""
    found = [
        f"{report.threads} thread{'s' if report.threads > 1 else ''} for {report.cpus:g} CPUs, {report.processor}; "
        "times in one run, in turns, without the quota of a pod's CPU limit",
    ]
    if report.rows:
        output = f", output {report.output}" if report.output else ""
        found.append(f"dataset {report.dataset}: {report.rows} rows, each asked alone{output}")
    return [*found, *report.notes]


def _ms(value: float) -> str:
    return f"{value:.3g} ms" if value >= 1 else f"{value * 1000:.3g} µs"
