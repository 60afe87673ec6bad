"""The script for machines with a GPU runs where there is none: it says what it could not try, and tries the refusal."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.planned import ROOT


def test_without_a_gpu_each_check_says_why_it_did_not_run_and_the_refusal_is_tried(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command: list[str | Path] = [sys.executable, ROOT / "tests/gpu/run.py", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = json.loads(out.read_text())
    outcomes = {one["check"]: (one["outcome"], one["reason"]) for one in found["results"]}
    if found["machine"]["gpu"] != "none":
        assert done.returncode in (0, 3), done.stdout
        return
    assert done.returncode == 3, done.stdout + done.stderr
    assert outcomes["a missing GPU is refused"] == ("ok", "")
    for check in ("answers", "throughput", "memory", "two replicas on one card"):
        outcome, reason = outcomes[check]
        assert outcome == "not run"
        assert "promised a GPU and has none" in reason
    assert all(reason for outcome, reason in outcomes.values() if outcome == "not run")


def test_a_folder_without_wheels_is_refused(tmp_path: Path) -> None:
    command: list[str | Path] = [sys.executable, ROOT / "tests/gpu/run.py", "--wheels", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, "has no wheels" in done.stderr) == (1, True)
