"""Measure on real pods how long an edit of one model takes, and how long a wrong release until the old one serves.

Beside it stands when `kubectl rollout status` and `helm upgrade --wait` would tell: they say nothing of a crashing pod
until the Deployment's progress deadline.
"""

import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.support.workbench import Workbench

EDIT_GOAL_S = 5.0
RESTORE_GOAL_S = 15.0


@dataclass(frozen=True)
class Recovery:
    """Wall seconds of the whole command: medians, and all.

    Attributes:
        edits: of one model's version.
        restores: of a release whose golden answer is wrong, until the old one serves again.
        deadline_s: when `kubectl rollout status` would have told of the wrong release.
    """

    edits: tuple[float, ...]
    restores: tuple[float, ...]
    deadline_s: int

    @property
    def edit_s(self) -> float:
        """The median edit."""
        return median(self.edits)

    @property
    def restore_s(self) -> float:
        """The median way back."""
        return median(self.restores)


def measure(rounds: int, say: Callable[[str], None]) -> Recovery:
    """Edit, and break, a model of its own environment so many times; raises RuntimeError when one ends otherwise."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        bench = Workbench(Path(folder) / "repo", f"bench{uuid.uuid4().hex[:6]}")
        try:
            bench.write("sums")
            _up(bench, 0)
            edits, restores = [], []
            for number in range(1, rounds + 1):
                bench.write("sums", version=f"1.0.{number}")
                edits.append(_up(bench, 0))
                say(f"edit {number}: {edits[-1]:.1f} s")
                bench.write("sums", version=f"2.0.{number}", expect=5.0)
                restores.append(_up(bench, 2))
                say(f"wrong release {number}: the old one serves after {restores[-1]:.1f} s")
                bench.write("sums", version=f"1.0.{number}")
            deployment = bench.cluster.read("Deployment", "sums") or {}
            return Recovery(tuple(edits), tuple(restores), int(deployment["spec"]["progressDeadlineSeconds"]))
        finally:
            bench.run("down", bench.environment, "--yes")


def _up(bench: Workbench, code: int) -> float:
    started = time.monotonic()
    result = bench.up()
    took_s = time.monotonic() - started
    if result.returncode != code:
        raise RuntimeError(f"`slipway up` ended with {result.returncode} instead of {code}:\n{result.stderr}")
    served = json.loads(bench.run("verify", bench.environment, "--json", environ=dict(os.environ)).stdout)
    if not all(model["right"] for model in served["models"]):
        raise RuntimeError(f"after `slipway up`, the model does not answer rightly: {served}")
    return took_s
