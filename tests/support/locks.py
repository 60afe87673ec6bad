"""A project with a model whose weights are known by a lock only: no file of them is on this machine."""

import hashlib
import json
from pathlib import Path
from typing import Any

from slipway.lockfile.digests import file_digest, files_read, spec_digest
from slipway.lockfile.files import write_lock
from slipway.lockfile.model import (
    Lock,
    LockedFile,
    LockedSignature,
    LockedSource,
    LockedStep,
    LockedTensor,
    LockedVariant,
)
from slipway.spec.model import ModelSpec

SPEC: dict[str, Any] = {
    "apiVersion": "slipway/v1",
    "name": "least",
    "version": "1.0.0",
    "owner": "vision",
    "artifact": {"source": "weights/least.onnx"},
    "optimize": [{"quantize": "int8-static", "calibration": "weights/rows.npz"}],
    "runtime": "onnxruntime",
    "resources": {"cpu": "250m", "memory": "256Mi"},
    "check": {"request": "checks/least.json", "expect": {"label": 1}},
}
MAIN = hashlib.sha256(b"what the step made").hexdigest()
BESIDE = hashlib.sha256(b"its external data").hexdigest()


def lock_of(spec: ModelSpec, root: Path) -> Lock:
    """A lock as it is written for a spec whose files are there."""
    return Lock(
        model=spec.name,
        spec=spec_digest(spec),
        files={path: file_digest(path, root) for path in files_read(spec)},
        source=LockedSource(
            at=spec.weights.source, format="onnx", sha256=hashlib.sha256(b"source").hexdigest(), size=9
        ),
        steps=tuple(
            LockedStep(step=step, tools={"onnxruntime": "1.20"}, settings={"seed": 1}, deterministic=True, sha256=MAIN)
            for step in spec.optimize
        ),
        signature=LockedSignature(
            inputs=(LockedTensor(name="x", dtype="FP32", shape=(None, 2)),),
            outputs=(LockedTensor(name="label", dtype="INT64", shape=(None,)),),
            metadata={"made": "by hand"},
        ),
        variants=(
            LockedVariant(
                architecture="any",
                accelerator="cpu",
                format="onnx",
                files=(
                    LockedFile(name="model.onnx", size=1000, sha256=MAIN),
                    LockedFile(name="model.onnx.data", size=5000, sha256=BESIDE),
                ),
                metrics={"accuracy": 0.975},
            ),
        ),
    )


def project(root: Path, **changes: Any) -> Path:
    """A project below `root` with a spec, its files and its lock, and without any weights; returns the spec's path."""
    for folder in ("weights", "checks", "models"):
        (root / folder).mkdir()
    (root / "Pulumi.yaml").write_text("{name: here, runtime: python}\n")
    (root / "weights/rows.npz").write_bytes(b"rows")
    (root / "checks/least.json").write_text('{"inputs": {"x": [[0.5, 1.5]]}}')
    path = root / "models/least.yaml"
    path.write_text(json.dumps(SPEC | changes))
    spec = ModelSpec.model_validate(SPEC | changes)
    write_lock(lock_of(spec, root), root / "models/least.lock.yaml")
    return path
