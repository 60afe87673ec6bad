"""What only one kind of environment needs is imported by that kind, when it needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import project

PLAN = """
import sys
from pathlib import Path
from slipway.commands.inspecting.offline import show_plan
from slipway.commands.context import Folders, EnvironmentContext
show_plan(EnvironmentContext(sys.argv[1], Folders(Path("models"), Path("stacks"))), (), as_json=True)
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""
SDKS = {"boto3", "botocore", "docker", "kubernetes", "pulumi", "pulumi_aws", "pulumi_kubernetes"}


@pytest.mark.parametrize(
    ("environment", "models", "settings"),
    [("local", "spec/ok", "settings/ok"), ("fleet", "aws/spec", "aws/settings")],
)
def test_a_plan_imports_neither_a_clouds_sdk_nor_the_engines(
    environment: str, models: str, settings: str, tmp_path: Path
) -> None:
    project.made(tmp_path / "project", models, settings)
    done = subprocess.run(
        [sys.executable, "-c", PLAN, environment],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stderr.splitlines()[-1].split())
    assert "slipway" in imported
    assert imported & SDKS == set()
