"""Render the same objects with Helm, from a chart with the same templates and values."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from slipway.local.build import golang, toolchain
from slipway.planner.environment import ModelPlan
from slipway.render.model import model_values, render_model

MODULE = Path(__file__).parent / "helm"
CHART = MODULE / "chart"
_PROGRAM = toolchain.GoProgram(module=MODULE, package="helm.sh/helm/v3/cmd/helm", ldflags="-s -w")
_LIMIT_S = 300


def bring(say: Callable[[str], None]) -> Path:
    """The `helm` command, from the tool cache or built now from its pinned module."""
    go = golang.find([MODULE], say)
    digest = toolchain.digest(MODULE, go.version.encode(), _PROGRAM.ldflags.encode())
    folder = toolchain.cached("helm", digest, lambda new: toolchain.compile_program(_PROGRAM, go, new / "helm", say))
    return folder / "helm"


def write_values(path: Path, models: Sequence[ModelPlan]) -> Path:
    """Write the values of a chart with these models: what Slipway's own templates get for them."""
    path.write_text(json.dumps({"models": [model_values(model, model.image.reference) for model in models]}))
    return path


def template(helm: Path, release: str, values: Path) -> tuple[str, float, float]:
    """Run `helm template`; gives its output, wall seconds and CPU seconds."""
    command = [str(helm), "template", release, str(CHART), "--values", str(values)]
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, wall, cpu


def check_equal(text: str, models: Sequence[ModelPlan]) -> None:
    """Raise ValueError unless Helm's output holds just the objects that Slipway renders for these models.

    Helm's own differences are the order of the objects, and a comment with each one's template.
    """
    theirs = _by_identity(yaml.load_all(text, Loader=yaml.CSafeLoader))
    ours = _by_identity(item for model in models for item in render_model(model, model.image.reference))
    for identity in sorted({*theirs, *ours}):
        if theirs.get(identity) != ours.get(identity):
            there = [name for name, found in (("Helm", theirs), ("Slipway", ours)) if identity in found]
            raise ValueError(f"the chart is not equal: {' '.join(identity)} differs (made by {' and '.join(there)})")


def _by_identity(objects: Any) -> dict[tuple[str, str], Any]:
    return {(item["kind"], item["metadata"]["name"]): item for item in objects if item}
