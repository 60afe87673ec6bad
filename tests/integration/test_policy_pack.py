"""The policy pack on the real engine: what breaks a rule is stopped by its id, what keeps to them passes.

No cluster: the program registers rendered manifests and AWS properties under the tokens of their types, as components,
which need no provider. What the pack sees of them is what it sees of the real ones.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slipway.render.model import placeholder_image, render_model
from slipway.values.names import EXCEPTIONS_ANNOTATION
from tests.support.planned import fixture_plan

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "policy"
TAGS = {"slipway:environment": "dev", "slipway:managed-by": "slipway"}
KEY = ("aws:kms/key:Key", "key", {"enableKeyRotation": True, "tags": TAGS})

PROGRAM = """\
import json
from pathlib import Path

import pulumi


class Any(pulumi.ComponentResource):
    def __init__(self, token, name, properties):
        super().__init__(token, name, properties)
        self.register_outputs(properties)


for resource in json.loads(Path("resources.json").read_text()):
    Any(*resource)
"""

Registered = tuple[str, str, dict[str, Any]]


@dataclass
class Stack:
    """A stack of its own backend, whose program registers what is in a file."""

    folder: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--stack", "dev"],
            cwd=self.folder,
            env={**os.environ, "PULUMI_BACKEND_URL": f"file://{self.folder}", "PULUMI_CONFIG_PASSPHRASE": ""},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def up(self, resources: Sequence[Registered]) -> subprocess.CompletedProcess[str]:
        (self.folder / "resources.json").write_text(json.dumps(resources))
        return self.run("up", "--yes", "--policy-pack", str(PACK))

    def names(self) -> set[str]:
        exported = self.run("stack", "export")
        assert exported.returncode == 0, exported.stderr
        resources = json.loads(exported.stdout)["deployment"].get("resources") or []
        return {resource["urn"].rpartition("::")[2] for resource in resources}


@pytest.fixture(scope="module")
def pack() -> None:
    """The pack's virtual environment, from its lock."""
    subprocess.run(
        [sys.executable, "-m", "uv", "sync", "--frozen", "--quiet", "--project", PACK],
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": sys.executable},
        check=True,
        timeout=300,
    )


@pytest.fixture
def stack(pack: None, tmp_path: Path) -> Stack:
    made = Stack(tmp_path)
    options = {"virtualenv": sys.prefix}
    project = {"name": "policed", "runtime": {"name": "python", "options": options}}
    (tmp_path / "Pulumi.yaml").write_text(json.dumps(project))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    created = made.run("stack", "init")
    assert created.returncode == 0, created.stderr
    return made


def model(*, by_digest: bool = True, policy: bool = True, exceptions: str = "{}") -> list[Registered]:
    """The objects of a model, as its stack registers them."""
    planned = fixture_plan("local").models[0]
    image = placeholder_image(planned) if by_digest else planned.image.reference
    found: list[Registered] = []
    for manifest in render_model(planned, image):
        if manifest["kind"] == "Deployment":
            manifest["metadata"]["annotations"][EXCEPTIONS_ANNOTATION] = exceptions
        if policy or manifest["kind"] != "NetworkPolicy":
            found.append((f"kubernetes:{manifest['apiVersion']}:{manifest['kind']}", manifest["kind"], manifest))
    return found


def test_a_stack_that_keeps_to_the_rules_passes(stack: Stack) -> None:
    result = stack.up([KEY, *model()])
    assert result.returncode == 0, result.stdout + result.stderr
    assert {"key", "Deployment", "NetworkPolicy"} <= stack.names()
    assert "slipway@v0.1.0" in result.stdout


def test_what_breaks_a_rule_is_stopped_by_its_id_and_nothing_is_made(stack: Stack) -> None:
    plain = ("aws:kms/key:Key", "plain", {"tags": TAGS})
    result = stack.up([KEY, plain, *model(by_digest=False)])
    assert result.returncode != 0
    shown = " ".join((result.stdout + result.stderr).split())
    assert "[mandatory] key-rotation (aws:kms/key:Key: plain) " in shown
    assert "enableKeyRotation is not true" in shown
    assert "[mandatory] image-by-digest (kubernetes:apps/v1:Deployment: Deployment)" in shown
    assert "restricted-pod" not in shown
    assert stack.names() == set()


def test_what_is_missing_beside_a_resource_is_stopped_at_the_end_of_the_preview(stack: Stack) -> None:
    result = stack.up(model(policy=False))
    assert result.returncode != 0
    shown = " ".join((result.stdout + result.stderr).split())
    assert "[mandatory] model-network-policy (kubernetes:apps/v1:Deployment: Deployment)" in shown
    assert stack.names() == set()


def test_an_exception_that_a_spec_justified_is_honoured(stack: Stack) -> None:
    exceptions = {"image-by-digest": "The registry of the fair has no digests"}
    result = stack.up(model(by_digest=False, exceptions=json.dumps(exceptions)))
    assert result.returncode == 0, result.stdout + result.stderr
