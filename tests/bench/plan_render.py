"""Validate, plan and render 1,000 specs with Slipway, and render the same objects with `helm template`."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.commands.context import EnvironmentContext, Folders
from slipway.planner.environment import ModelPlan
from tests.bench import files, helm_peer

_SETTINGS: dict[str, Any] = {
    "kind": "kubernetes",
    "context": "bench",
    "namespace": "bench",
    "registry": "registry.example.com",
    "base_image": "registry.example.com/slipway/base:bookworm-py311",
    "node_pools": [{"name": "default", "max_nodes": 1000, "cpu": "64", "memory": "256Gi"}],
}
_LIMIT_S = 300


@dataclass(frozen=True)
class Steps:
    """Seconds of one process. `start` is Python with its imports; `text` is writing the objects as YAML."""

    start: float
    validate: float
    plan: float
    render: float
    text: float

    @property
    def work(self) -> float:
        """All but the start."""
        return self.validate + self.plan + self.render + self.text


@dataclass(frozen=True)
class Result:
    """Medians in seconds; helm_release is one model's, all others are of all `models`."""

    models: int
    objects: int
    rounds: int
    releases: int
    slipway: Steps
    slipway_process: float
    slipway_cpu: float
    helm_release: float
    helm_release_cpu: float
    helm_chart: float
    helm_chart_cpu: float


def measure(models: int, rounds: int, releases: int, say: Callable[[str], None]) -> Result:
    """Measure both; `releases`: how many single releases Helm renders."""
    helm = helm_peer.bring(say)
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        folder = Path(name)
        written = files.write(folder / "specs", [f"model-{i:04}" for i in range(models)], _SETTINGS, "plan")
        own = [_process(written) for _ in range(rounds)]
        planned = _planned(written)
        one = helm_peer.write_values(folder / "one.json", planned[:1])
        helm_peer.check_equal(helm_peer.template(helm, "one", one)[0], planned[:1])
        single = []
        for model in planned[:releases]:
            values = helm_peer.write_values(folder / "one.json", [model])
            single.append(helm_peer.template(helm, model.name, values)[1:])
        everything = helm_peer.write_values(folder / "all.json", planned)
        chart = [helm_peer.template(helm, "all", everything) for _ in range(rounds)]
        helm_peer.check_equal(chart[0][0], planned)
    steps = [steps for steps, _, _ in own]
    return Result(
        models=models,
        objects=chart[0][0].count("\nkind: "),
        rounds=rounds,
        releases=releases,
        slipway=Steps(**{key: statistics.median(asdict(one)[key] for one in steps) for key in asdict(steps[0])}),
        slipway_process=statistics.median(wall for _, wall, _ in own),
        slipway_cpu=statistics.median(cpu for _, _, cpu in own),
        helm_release=statistics.median(wall for wall, _ in single),
        helm_release_cpu=statistics.median(cpu for _, cpu in single),
        helm_chart=statistics.median(wall for _, wall, _ in chart),
        helm_chart_cpu=statistics.median(cpu for _, _, cpu in chart),
    )


def _planned(written: files.Files) -> Sequence[ModelPlan]:
    return EnvironmentContext(files.ENVIRONMENT, Folders(written.models, written.settings)).plan.models


def _process(written: files.Files) -> tuple[Steps, float, float]:
    """One process; gives its steps, and wall and CPU seconds of all of it."""
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "tests.bench.render_once"]
    command += [str(written.models), str(written.settings), files.ENVIRONMENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    steps = json.loads(done.stdout)
    steps.pop("bytes")
    return Steps(start=wall - sum(steps.values()), **steps), wall, cpu
