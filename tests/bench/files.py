"""Write the files of an environment with many models: specs, artifacts and checks that they share, and settings."""

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper

ENVIRONMENT = "bench"
_ARTIFACTS = 5
_WIDTH = 8


@dataclass(frozen=True)
class Files:
    """An environment's files below one folder, as a person would have them."""

    root: Path

    @property
    def models(self) -> Path:
        """The folder of specs."""
        return self.root / "models"

    @property
    def settings(self) -> Path:
        """The folder of settings."""
        return self.root / "stacks"

    def spec(self, name: str) -> Path:
        """The spec of one model."""
        return self.models / f"{name}.yaml"


def write(root: Path, names: list[str], settings: dict[str, object], mark: str) -> Files:
    """Write an environment named ENVIRONMENT.

    Args:
        root: an empty folder.
        names: of the models.
        settings: of the environment, as under `slipway:environment`.
        mark: goes into the artifacts, so that another mark gives other weights, and thereby other images.
    """
    files = Files(root)
    for folder in (files.models, files.settings, root / "artifacts"):
        folder.mkdir(parents=True)
    (root / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    # JSON is YAML. The key is the empty passphrase's, as in stacks/Pulumi.local.yaml: nothing here is secret.
    salt = "v1:AA1k2crIAd0=:v1:LutpE+AU2WMxH6/c:4MTtDCfdZJiLcnq/+RL+f/UfaWl4XQ=="
    content = {"encryptionsalt": salt, "config": {"slipway:environment": settings}}
    (files.settings / f"Pulumi.{ENVIRONMENT}.yaml").write_text(json.dumps(content, indent=2))
    for number in range(_ARTIFACTS):
        _write_artifact(root / "artifacts" / f"model-{number}.onnx", f"{mark}-{number}")
        request = {"input": [[0.5 + number] * _WIDTH]}
        (root / "artifacts" / f"check-{number}.json").write_text(json.dumps(request))
    for index, name in enumerate(names):
        files.spec(name).write_text(spec(name, artifact_of(index)))
    return files


def artifact_of(index: int) -> int:
    """Which artifact the model at an index has."""
    return index % _ARTIFACTS


def spec(name: str, artifact: int, description: str = "One of many") -> str:
    """The spec of one model: what a person would write, with all seven objects rendered for it."""
    return f"""\
apiVersion: slipway/v1
name: {name}
version: 1.0.0
owner: bench
description: {description}
artifact: {{source: artifacts/model-{artifact}.onnx}}
runtime: onnxruntime
resources: {{cpu: 100m, memory: 256Mi}}
scale: {{min: 1, max: 2, target: {{cpu_percent: 70}}}}
endpoint: {{timeout: 10s, max_body: 1Mi}}
check: {{request: artifacts/check-{artifact}.json, expect: {{y: [[{", ".join(["1.0"] * _WIDTH)}]]}}, timeout: 2s}}
"""


def _write_artifact(path: Path, mark: str) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", _WIDTH])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", _WIDTH])
    model = helper.make_model(
        helper.make_graph([helper.make_node("Ceil", ["x"], ["y"])], "bench", [x], [y], doc_string=mark),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
