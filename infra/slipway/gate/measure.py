"""Have models measured side by side: in the environment `gate`, each in a process of its own."""

import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from slipway_server.values.tensors import Array

from slipway.gate.profile import profile
from slipway.gate.report import Report, from_document
from slipway.spec.artifact.accept import Accept
from slipway.toolbox.box import Box
from slipway.toolbox.errors import StepRefused
from slipway.toolbox.running import run

_BOX, _SCRIPT = "gate", "measure"
_LIMIT_S = 4 * 3600.0
_SEED = 20261126
"""Of the noise that inputs are disturbed with: the same dataset gives the same metrics."""


@dataclass(frozen=True)
class Candidate:
    """A model to measure.

    Attributes:
        name: the step that made it, unique in a run; `source` for the model as it was.
        path: its main file; files with weights lie beside it.
        format: `onnx` or `tflite`.
        size_bytes: of all its files.
        sha256: of its bytes, as the lock has it.
    """

    name: str
    path: Path
    format: str
    size_bytes: int
    sha256: str


def measure(
    model: str,
    original: Candidate,
    variants: Sequence[Candidate],
    accept: Accept | None,
    golden: Mapping[str, Array] | None,
    cpus: float,
    root: Path,
    tell: Callable[[str], None],
    *,
    profiled: bool = False,
) -> Report:
    """Measure what steps made of a model beside the model itself, in one run.

    Args:
        model: its name.
        original: the model as it was; the first that an engine can run, where the source is of another format.
        variants: after each step; the last one serves.
        accept: the dataset and what is measured on it; without it size, memory and times are.
        golden: the golden request, an array for each input; None if there is none.
        cpus: the CPU limit of a pod, in cores.
        root: the folder that the path of the dataset begins at.
        tell: takes lines of progress.
        profiled: whether drift will be held against the dataset and the last model's answers to it.

    Raises:
        StepRefused: a model that its engine does not run, another signature than the original's, or a dataset that
            does not fit, or has too few rows for a profile.
        StepFailed, BoxUnavailable, NoSpace: it could not be measured at all.
    """
    threads = _threads(cpus)
    with tempfile.TemporaryDirectory(prefix="slipway-gate-") as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        kept = {side: str(scratch / f"kept_{side}.npz") for side in ("inputs", "outputs")} if profiled else None
        request = {
            "models": [_model(each) for each in (original, *variants)],
            "threads": threads,
            "accept": None if accept is None else accept.model_dump(mode="json"),
            "golden": None if golden is None else {name: _array(array) for name, array in golden.items()},
            "files": _files(accept, root),
            "scratch": str(scratch),
            "disturbed": _attacked(original, accept, root, scratch, tell),
            "kept": kept,
            "seed": _SEED,
        }
        found = dict(run(Box(_BOX), _SCRIPT, request, Path(folder), tell, _LIMIT_S))
        counted = {} if kept is None else profile(*(_arrays(Path(path)) for path in kept.values()))
    found.pop("network", None)  # nothing is fetched with it
    notes = list(found.pop("notes"))
    if threads < cpus:
        notes.append(f"the pod may use {cpus:g} CPUs, this machine has {threads}: times are those of {threads}")
    report = from_document({**found, "model": model, "threads": threads, "cpus": cpus, "notes": notes})
    return replace(report, drift=counted)


def _files(accept: Accept | None, root: Path) -> dict[str, str]:
    return {} if accept is None else {str(accept.dataset): str(root / str(accept.dataset))}


def _attacked(
    original: Candidate, accept: Accept | None, root: Path, scratch: Path, tell: Callable[[str], None]
) -> dict[str, str]:
    """Inputs disturbed by gradients, which only PyTorch computes: its environment is 5 GB, and made when asked for."""
    if accept is None or accept.robustness is None or accept.robustness.fgsm is None:
        return {}
    if original.format != "onnx":
        problem = f"accept.robustness.fgsm needs gradients, and {original.name} is {original.format}"
        raise StepRefused(problem, "a source that is ONNX, or becomes it first", "leave fgsm out of robustness")
    to = scratch / "fgsm.npz"
    folder = scratch / "fgsm"
    folder.mkdir()
    request = {
        "model": str(original.path.absolute()),
        "accept": accept.model_dump(mode="json"),
        "amount": accept.robustness.fgsm,
        "files": _files(accept, root),
        "to": str(to),
        "seed": _SEED,
    }
    run(Box("torch"), "fgsm", request, folder, tell, _LIMIT_S)
    return {"fgsm": str(to)}


def _arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file that tools/gate/arrays.py wrote, by their names."""
    with np.load(path, allow_pickle=False) as file:
        return {str(name): file[f"array_{index}"] for index, name in enumerate(file["names"])}


def _threads(cpus: float) -> int:
    """As the model server counts them (server/src/slipway_server/startup/cpu.py)."""
    return max(1, min(len(os.sched_getaffinity(0)), math.ceil(cpus)))


def _model(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "path": str(candidate.path.absolute()),
        "format": candidate.format,
        "size_bytes": candidate.size_bytes,
        "sha256": candidate.sha256,
    }


def _array(array: Array) -> dict[str, Any]:
    flat = np.asarray(array)
    dtype = "str" if flat.dtype == object or flat.dtype.kind == "U" else flat.dtype.name
    return {"dtype": dtype, "shape": list(flat.shape), "values": flat.ravel().tolist()}
