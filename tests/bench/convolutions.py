"""Convolutional networks quantized in several ways, measured and judged: `python -m tests.bench.convolutions`.

Prints the table of docs/how-to/quantise.md. The models of a size are measured in turn, in one run: what else the
machine does slows all of them.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from slipway import installation
from slipway.gate.judge import judge
from slipway.gate.measure import Candidate, measure
from slipway.optimize.boxes import ONNX, where
from slipway.spec.artifact.accept import Accept
from slipway.spec.artifact.optimize import AnyStep, Step
from slipway.toolbox.environment import prepare
from slipway.toolbox.running import run

SIZES = ((8, 16), (16, 32), (32, 32), (32, 64))
"""Channels of the first convolution, side of the image in pixels."""
SIDE_OF_DYNAMIC = 32
CPUS = 1.0
WAYS: tuple[Mapping[str, Any], ...] = (
    {"quantize": "int8-static", "calibration": "calibration.npz"},
    {"quantize": "uint8-static", "calibration": "calibration.npz"},
    {"quantize": "uint8-static", "calibration": "calibration.npz", "per_channel": True},
    {"quantize": "int8-dynamic"},
    {"quantize": "fp16"},
)
STEP: TypeAdapter[AnyStep] = TypeAdapter(Step)


def main() -> None:
    """Measure each size, and print one row for each model."""
    print("| network | model | bytes | p50 ms | times as fast | accuracy | gate |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for channels, side in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _measure(channels, side, Path(folder))


def _measure(channels: int, side: int, folder: Path) -> None:
    script = installation.resource("docs/how-to/quantise/convolutions.py")
    python = prepare(ONNX, _tell)
    subprocess.run((python, script, str(channels), str(side), str(folder)), check=True, stdout=sys.stderr)
    models = [_candidate("float32", folder / "model.onnx"), *(_quantized(way, folder) for way in _ways(side))]
    accept = Accept(dataset="test.npz", output="label", metric="accuracy", max_drop=0.01)
    report = measure("convolutions", models[0], models[1:], accept, None, CPUS, folder, _tell)
    original = report.variants[0]
    for row in report.variants:
        p50 = row.timing.p50_ms
        refused = judge(replace(report, variants=(original, row)), accept)
        print(
            f"| {channels} channels, {side}x{side} | {row.name} | {row.size_bytes} | {p50:.3f} "
            f"| {original.timing.p50_ms / p50:.2f} | {row.metric:.4f} | {'refused' if refused else 'passed'} |",
            flush=True,
        )


def _ways(side: int) -> list[Mapping[str, Any]]:
    """The ways to measure: on large images dynamic int8 is so slow that its thousands of requests take an hour."""
    return [way for way in WAYS if side <= SIDE_OF_DYNAMIC or way["quantize"] != "int8-dynamic"]


def _quantized(way: Mapping[str, Any], folder: Path) -> Candidate:
    step = STEP.validate_python(way)
    name = way["quantize"] + (" per channel" if way.get("per_channel") else "")
    work = folder / name.replace(" ", "-")
    output = work / "output"
    output.mkdir(parents=True)
    request = {
        "step": step.model_dump(mode="json"),
        "input": {"folder": str(folder), "main": "model.onnx", "format": "onnx"},
        "output": str(output),
        "files": {path: str(folder / path) for path in step.files},
        "seed": 1,
    }
    box, script = where(step, "onnx", folder)
    return _candidate(name, output / run(box, script, request, work, _tell, 600)["main"])


def _candidate(name: str, path: Path) -> Candidate:
    return Candidate(name, path, "onnx", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
