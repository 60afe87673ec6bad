"""Keep what was measured of a model in a file beside its spec, and make the matrix of all models of it."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import ValidationError

from slipway.errors.base import FileRefused
from slipway.errors.full_disk import disk_errors
from slipway.measuring.findings import Finding
from slipway.reading.folders import find_root
from slipway.reading.yaml_document import read_bytes
from slipway.values.quantities import format_cpu
from slipway.values.section import Section

SUFFIX = ".measured.json"
_LIMIT = 2**20
_MOST = 200
"""Findings in a file: more machines and limits than anybody compares."""


class Measured(Section):
    """The file: findings about a model, one for each machine, runtime and pair of limits. `measured`: its format."""

    measured: Literal[1]
    model: str
    findings: tuple[Finding, ...]


def measured_path(models: Path, model: str) -> Path:
    """Where the findings about a model are: beside its spec."""
    return models / f"{model}{SUFFIX}"


def read(path: Path) -> Measured | None:
    """The findings in a file; None where there is no such file.

    Raises:
        FileRefused: it cannot be read, or is none that `slipway measure` wrote.
    """
    if not path.exists():
        return None
    data = read_bytes(path, str(path), _LIMIT, "a file of JSON", find_root(path.parent))
    try:
        return Measured.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['msg']}"
        todo = "take the file as it was committed, or remove it and measure again"
        raise FileRefused(str(path), problem, "what slipway measure writes", todo) from None


def read_all(models: Path) -> list[Measured]:
    """The findings about all models of a folder, by name. Raises as `read`."""
    return [found for path in sorted(models.glob(f"*{SUFFIX}")) if (found := read(path)) is not None]


def keep(path: Path, model: str, findings: Sequence[Finding]) -> None:
    """Write findings into the file of a model, in place of earlier ones about the same; it is whole at every moment.

    Raises:
        FileRefused: the file that is there was not written by `slipway measure`, or cannot be written.
    """
    there = read(path)
    new = {finding.key for finding in findings}
    old = [finding for finding in (there.findings if there else ()) if finding.key not in new]
    everything = sorted([*old, *findings], key=lambda finding: finding.key)[-_MOST:]
    value = Measured(measured=1, model=model, findings=tuple(everything)).model_dump(mode="json")
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with disk_errors(f"{path} cannot be written", path.parent):
            beside.write_text(text)
            beside.replace(path)
    except OSError as error:
        todo = "make the folder writable, then run the command again"
        raise FileRefused(
            str(path), f"cannot be written: {error.strerror}", "a folder that can be written", todo
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def matrix(measured: Iterable[Measured]) -> dict[tuple[str, int], dict[str, list[float]]]:
    """Return f(m, h, s) of every model m, by hardware h and runtime s: requests a second at the knee.

    Hardware is what the machine's CPU is called, and a replica's part of it in thousandths of a core. Of several limits
    of memory with the same CPU the best counts.
    """
    found: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in measured:
        best: dict[tuple[str, int, str], float] = {}
        for finding in one.findings:
            if finding.step.knee is not None:
                key = (finding.machine.cpu, finding.step.cpu, finding.runtime)
                best[key] = max(best.get(key, 0.0), finding.step.knee)
        for (cpu, millis, runtime), knee in best.items():
            found[cpu, millis][runtime].append(knee)
    return {hardware: dict(by_runtime) for hardware, by_runtime in sorted(found.items())}


def table(measured: Sequence[Measured]) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of P(h, s), the mean of f(m, h, s) over the models that were measured there."""
    found = matrix(measured)
    runtimes = sorted({runtime for row in found.values() for runtime in row})
    rows = []
    for (cpu, millis), row in found.items():
        cells = [_mean(row.get(runtime, [])) for runtime in runtimes]
        rows.append([cpu, format_cpu(millis), *cells])
    return ["HARDWARE", "CPU", *(runtime.upper() for runtime in runtimes)], rows


def _mean(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{fmean(values):,.1f} ({len(values)} model{'s' if len(values) > 1 else ''})"
