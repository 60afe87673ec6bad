"""Digits trained by four frameworks, converted, quantized and measured: `python -m tests.bench.frameworks`.

Prints the table of docs/how-to/formats.md and draws its picture. The models of a framework are measured in turn, in
one run, on the digits that none of them was trained on.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from pydantic import TypeAdapter

from slipway import installation
from slipway.artifacts.onnx import read_artifact
from slipway.gate.measure import Candidate, measure
from slipway.gate.report import Variant
from slipway.optimize.boxes import where
from slipway.reading.files import BadFile
from slipway.spec.artifact.accept import Accept
from slipway.spec.artifact.optimize import AnyStep, Step
from slipway.toolbox.box import Box
from slipway.toolbox.environment import prepare
from slipway.toolbox.errors import StepRefused
from slipway.toolbox.running import run

CPUS = 1.0
STEP: TypeAdapter[AnyStep] = TypeAdapter(Step)
ONNX: Mapping[str, Any] = {"convert": "onnx"}
INT8: Mapping[str, Any] = {"quantize": "int8-dynamic"}
STATIC: Mapping[str, Any] = {"quantize": "int8-static", "calibration": "calib.npz"}
TFLITE: Mapping[str, Any] = {"convert": "tflite"}
CHAINS: Sequence[Sequence[Mapping[str, Any]]] = ((ONNX,), (ONNX, INT8), (ONNX, STATIC), (TFLITE,))
FRAMEWORKS = (
    ("scikit-learn", "trees", "digits.skops", "skops"),
    ("LightGBM", "trees", "digits.txt", "lightgbm"),
    ("Keras", "tensorflow", "digits.keras", "keras"),
    ("PyTorch", "torch", "digits.pt2", "torch-export"),
)
OF_TFLITE = "output_0"
"""What Keras calls the only output when it exports a model."""
PICTURE = "docs/how-to/formats/frameworks.png"
Point = tuple[str, Variant]


def main() -> None:
    """Train, convert and quantize for each framework; print a row for each model."""
    points: list[Point] = []
    print("| framework | saved as | steps | bytes | p50 µs | accuracy | agreement |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for box in dict.fromkeys(box for _, box, _, _ in FRAMEWORKS):
            script = installation.resource(f"docs/how-to/formats/train_{box}.py")
            train = installation.resource("models/digits/train.npz")
            command = (prepare(Box(box), _tell), script, train, folder)
            subprocess.run(command, check=True, stdout=sys.stderr)
        for framework, _, file, kind in FRAMEWORKS:
            points += _measured(framework, folder / file, kind)
    _draw(points)


def _measured(framework: str, source: Path, kind: str) -> list[Point]:
    """Make and measure what there is of a framework's model; print what is refused as well."""
    work = source.parent / framework
    made: list[Candidate] = []
    for chain in CHAINS:
        name = ", ".join(" ".join(map(str, list(step.values())[:1])) for step in chain)
        try:
            made.append(_made(name, chain, source, kind, work))
        except (BadFile, StepRefused) as refused:
            print(f"| {framework} | {kind} | {name} | refused: {refused.problem} | | | |", flush=True)
    rows: list[Variant] = []
    for form in dict.fromkeys(one.format for one in made):
        models = [one for one in made if one.format == form]
        accept = Accept(dataset="test.npz", output=_output(made[0], form, work), metric="accuracy", max_drop=0.01)
        rows += measure(framework, models[0], models[1:], accept, None, CPUS, work, _tell).variants
    for row in rows:
        p50 = row.timing.p50_ms * 1000
        print(
            f"| {framework} | {kind} | {row.name} | {row.size_bytes} | {p50:.1f} | {row.metric:.4f} "
            f"| {row.agreement:.4f} |",
            flush=True,
        )
    return [(framework, row) for row in rows]


def _made(name: str, chain: Sequence[Mapping[str, Any]], source: Path, kind: str, work: Path) -> Candidate:
    """Run the steps of a chain, each in its own environment."""
    at, form = source, kind
    for number, written in enumerate(chain):
        step = STEP.validate_python(written)
        own = work / name.replace(" ", "-").replace(",", "") / str(number)
        output = own / "output"
        output.mkdir(parents=True)
        request = {
            "step": step.model_dump(mode="json"),
            "input": {"folder": str(at.parent), "main": at.name, "format": form},
            "output": str(output),
            "files": {path: str(_data(path, at, work)) for path in step.files},
            "seed": 1,
        }
        box, script = where(step, form, work)
        result = run(box, script, request, own, _tell, 900)
        at, form = output / result["main"], result["format"]
    digest = hashlib.sha256(at.read_bytes()).hexdigest()
    return Candidate(name, at, form, at.stat().st_size, digest)


def _data(name: str, model: Path, work: Path) -> Path:
    """The digits of a file in the shape that a model takes, and by the name of its input."""
    tensor = read_artifact(model, model.parent).signature.inputs[0]
    digits = np.load(installation.resource(f"models/digits/{name}"))
    shape = [-1, *(size or 0 for size in tensor.shape[1:])]
    arrays = {tensor.name: digits["image"].reshape(shape).astype(tensor.numpy_dtype)}
    np.savez_compressed(work / name, **arrays)
    return work / name


def _output(model: Candidate, form: str, work: Path) -> str:
    """Write the held-out digits for a model's input; the name of the output that they are held against."""
    path = _data("test.npz", model.path, work)
    outputs = read_artifact(model.path, model.path.parent).signature.outputs
    named = next((one.name for one in outputs if one.dtype == "INT64"), outputs[0].name)
    named = OF_TFLITE if form == "tflite" else named
    labels = np.load(installation.resource("models/digits/test.npz"))["label"]
    np.savez_compressed(path, **dict(np.load(path)), **{named: labels})
    return named


def _draw(points: Sequence[Point]) -> None:
    """Accuracy against time, a circle for each model, as large as its file."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the choice of what draws

    figure, axes = plt.subplots(figsize=(9, 5))
    for index, framework in enumerate(dict.fromkeys(name for name, _ in points)):
        rows = [row for name, row in points if name == framework]
        x = [row.timing.p50_ms * 1000 for row in rows]
        y = [row.metric or 0.0 for row in rows]
        sizes = [row.size_bytes / 400 for row in rows]
        axes.scatter(x, y, sizes, alpha=0.5, label=framework, color=f"C{index}")
        for row, at in zip(rows, zip(x, y, strict=True), strict=True):
            # Frameworks above each other: several are right as often as another.
            up = 12 + 9 * index
            axes.annotate(row.name, at, (0, up), fontsize=7, textcoords="offset points", ha="center", color=f"C{index}")
    axes.margins(0.12, 0.2)
    axes.set(xlabel="p50 of one row, µs, 1 thread", ylabel="accuracy, 450 digits held out")
    legend = axes.legend(loc="lower left")
    for handle in legend.legend_handles:
        handle.set_sizes([40])  # type: ignore[union-attr]
    figure.tight_layout()
    figure.savefig(installation.resource("docs") / PICTURE.removeprefix("docs/"), dpi=110)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
