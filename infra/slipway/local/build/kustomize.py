"""Render the Kubernetes objects that lie in a Go module, by kustomize, whose own module is pinned too."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.local.build import toolchain
from slipway.local.build.golang import Go
from slipway.local.host import paths
from slipway.local.host.commands import explained
from slipway.local.host.steps import Report

MODULE = toolchain.MODULES / "kustomize"
_PROGRAM = toolchain.GoProgram(MODULE, ".", "-s -w")
_LIMIT_S = 60


def fingerprint() -> bytes:
    """What decides, beside its inputs, what `render` gives."""
    return toolchain.digest(MODULE, Path(__file__).read_bytes()).encode()


def render(go: Go, base: Path, overlay: Mapping[str, Any], report: Report) -> list[dict[str, Any]]:
    """The objects of a folder with a kustomization.yaml, changed by an overlay (fields of a kustomization).

    Raises:
        LocalError: kustomize cannot be built, or its words about the folder or the overlay.
    """
    program = _bring(go, report) / "kustomize"
    with tempfile.TemporaryDirectory(prefix=".kustomize-", dir=paths.CACHE_TOOLS) as scratch:
        folder = Path(scratch).resolve()
        resources = [os.path.relpath(base.resolve(), folder)]
        # JSON is YAML too.
        (folder / "kustomization.yaml").write_text(json.dumps({"resources": resources, **overlay}))
        with explained(f"rendering {base}"):
            rendered = subprocess.run([program, folder], capture_output=True, timeout=_LIMIT_S, check=True).stdout
    objects: list[dict[str, Any]] = json.loads(rendered)
    return objects


def _bring(go: Go, report: Report) -> Path:
    digest = toolchain.digest(MODULE, go.version.encode())
    return toolchain.cached(
        "kustomize", digest, lambda folder: toolchain.compile_program(_PROGRAM, go, folder / "kustomize", report)
    )
