"""What a command does not need is not imported: it would have to be installed, and takes its time to load."""

import subprocess
import sys
from pathlib import Path

from tests.support import project

VALIDATE = """
import sys
from slipway.cli import cli
cli(["validate"], standalone_mode=False)
print(*sorted(sys.modules), file=sys.stderr)
"""
SERVING = ("onnxruntime", "starlette", "uvicorn", "uvloop", "httptools", "python_multipart", "prometheus_client")


def test_validate_checks_golden_requests_without_what_runs_models_and_speaks_http(tmp_path: Path) -> None:
    project.made(tmp_path / "project")
    done = subprocess.run(
        [sys.executable, "-c", VALIDATE],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ok  local: model" in done.stdout
    imported = set(done.stderr.splitlines()[-1].split())
    assert "slipway_server.protocol.request" in imported
    assert [name for name in SERVING if name in imported] == []
    packages = {name.split(".")[1] for name in imported if name.startswith("slipway_server.")}
    assert packages == {"values", "protocol", "memory", "steps"}
