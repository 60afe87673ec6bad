"""Try on a machine with an NVIDIA GPU what nobody could try where Slipway is written; five minutes, no registry.

    python tests/gpu/run.py [--wheels FOLDER] [--out FILE]

Uses what is installed for this Python, or takes wheels that were carried along (`pip download -r
server/requirements-cuda.txt -d FOLDER` on a machine of the same kind that has a registry). Prints a table, writes it
as JSON, and names what could not be run and why.

Exit code 0: nothing failed; 1: something did; 3: nothing could be run on a GPU.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 300.0
CHILD_S = 90.0
OK, FAILED, NOT_RUN = "ok", "failed", "not run"
ON_GPU = "onnxruntime"
"""The backend that is tried."""
LIBRARIES = {"torch": "torch", "tensorflow": "tensorflow", "llama": "xllamacpp", "litert": "ai_edge_litert"}
"""Of other backends, the module that shows whether they are here."""


@dataclass(frozen=True)
class Result:
    """What came of one check: `outcome` is one of OK, FAILED and NOT_RUN."""

    check: str
    outcome: str
    reason: str = ""
    took_s: float = 0.0
    numbers: Mapping[str, Any] = field(default_factory=dict)


class Runner:
    """Runs children with the server and the carried wheels on their path, within the time that is left."""

    def __init__(self, folder: Path, wheels: Path | None) -> None:
        self._folder = folder
        self._end = time.monotonic() + LIMIT_S
        here = [str(ROOT), str(ROOT / "server/src"), *([str(wheels)] if wheels else [])]
        self._environ = os.environ | {"PYTHONPATH": os.pathsep.join(here), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, check: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.gpu.child", check, str(self._folder)]
        return subprocess.Popen(
            command, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )

    def child(self, check: str) -> Result:
        began = time.monotonic()
        return self.ended(check, self.start(check), began)

    def ended(self, check: str, child: "subprocess.Popen[str]", began: float) -> Result:
        """Wait for a child and read what it found."""
        limit_s = min(CHILD_S, max(1.0, self._end - time.monotonic()))
        try:
            out, err = child.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return Result(check, FAILED, f"no end after {limit_s:.0f} s")
        took_s = round(time.monotonic() - began, 1)
        lines = out.strip().splitlines()
        try:
            found = json.loads(lines[-1])
        except (IndexError, ValueError):
            return Result(check, FAILED, f"exit code {child.returncode}: {err.strip()[-300:]}", took_s)
        if child.returncode:
            outcome = NOT_RUN if child.returncode == 3 else FAILED
            return Result(check, outcome, str(found["reason"]), took_s)
        return Result(check, OK, "", took_s, found)

    def two(self) -> Result:
        """Two replicas on one card, at the same time: both answer."""
        check, began = "two replicas on one card", time.monotonic()
        both = [self.start("replica") for _ in range(2)]
        ends = [self.ended(check, child, began) for child in both]
        bad = next((end for end in ends if end.outcome != OK), None)
        if bad is not None:
            return bad
        return Result(
            check, OK, "", ends[-1].took_s, {"rows_per_second": [end.numbers["rows_per_second"] for end in ends]}
        )

    def refused(self) -> Result:
        """A server that was promised a GPU and is shown none says so and ends: never an answer of the CPU."""
        check, began = "a missing GPU is refused", time.monotonic()
        model = {
            "name": "digits",
            "version": "1.0.0",
            "path": str(ROOT / "models/digits/model.onnx"),
            "accelerator": "gpu",
        }
        config = self._folder / "server.json"
        golden = {"request": {}, "expect": {}, "timeout_s": 1}
        config.write_text(json.dumps({"model": model, "release": "r", "host": "127.0.0.1", "port": 0, "check": golden}))
        environ = self._environ | {"SLIPWAY_CONFIG": str(config), "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-m", "slipway_server"]
        try:
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=CHILD_S, check=False)
        except subprocess.TimeoutExpired:
            return Result(check, FAILED, f"no end after {CHILD_S:.0f} s")
        took_s = round(time.monotonic() - began, 1)
        written = done.stdout + done.stderr
        if "No module named" in written:
            return Result(check, NOT_RUN, written.strip().splitlines()[-1], took_s)
        if done.returncode == 1 and "was promised a GPU and has none" in written:
            said = written.partition("has none: ")[2].partition('"')[0]
            return Result(check, OK, "", took_s, {"said": said})
        return Result(check, FAILED, f"exit code {done.returncode}: {written.strip()[-300:]}", took_s)


def machine() -> dict[str, str]:
    """This machine, and its GPUs as their driver says."""
    found = {"python": platform.python_version(), "system": platform.platform(), "gpu": "none", "driver": "none"}
    found["cpus"] = str(os.cpu_count())
    program = shutil.which("nvidia-smi")
    if program is None:
        return found
    asked = [program, "--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode or not done.stdout.strip():
        return found
    cards = [[cell.strip() for cell in line.split(",")] for line in done.stdout.strip().splitlines()]
    found["gpu"] = "; ".join(f"{name}, {memory}, compute capability {cap}" for name, memory, _, cap in cards)
    return found | {"driver": cards[0][2]}


def installed(wheels: Path | None, folder: Path) -> tuple[Path | None, str]:
    """Install carried wheels into a folder of their own, without any registry; return it, and why there is none."""
    if wheels is None:
        return None, ""
    files = sorted(str(file) for file in wheels.glob("*.whl"))
    if not files:
        return None, f"{wheels} has no wheels"
    target = folder / "wheels"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(target),
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return (target, "") if done.returncode == 0 else (None, f"pip: {done.stderr.strip()[-300:]}")


def others() -> Iterator[Result]:
    """The backends that have no check here, and why."""
    for backend, module in LIBRARIES.items():
        here = "its library is here, but" if find_spec(module) else "its library is not here, and"
        yield Result(f"backend {backend}", NOT_RUN, f"{here} there is no check of it")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Try the GPU of this machine.")
    parser.add_argument("--wheels", type=Path, help="folder of wheels that were carried along")
    parser.add_argument("--out", type=Path, default=Path("gpu-results.json"), help="file for the results as JSON")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="slipway-gpu-") as name:
        folder = Path(name)
        wheels, problem = installed(asked.wheels, folder)
        if problem:
            print(f"--wheels: {problem}", file=sys.stderr)
            return 1
        runner = Runner(folder, wheels)
        results = [runner.child(check) for check in ("answers", "throughput", "memory")]
        results += [runner.two(), runner.refused(), *others()]
    about = machine()
    asked.out.write_text(
        json.dumps({"machine": about, "backend": ON_GPU, "results": list(map(asdict, results))}, indent=2) + "\n"
    )
    for key, value in about.items():
        print(f"{key:8} {value}")
    print()
    for one in results:
        shown = one.reason or ", ".join(f"{key} {value}" for key, value in one.numbers.items())
        print(f"{one.outcome:8} {one.check:26} {one.took_s:6.1f} s  {shown}")
    print(f"\nwritten to {asked.out}")
    if any(one.outcome == FAILED for one in results):
        return 1
    return 0 if results[0].outcome == OK else 3


if __name__ == "__main__":
    sys.exit(main())
