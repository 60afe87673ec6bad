"""What a lock names is what serves, made anew on another machine than the one that locked it; other bytes never do."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from slipway.toolbox.environment import toolboxes
from tests.support.workbench import ROOT, Workbench, fresh_simplified, post

pytestmark = pytest.mark.integration

ASKED = {"inputs": {"a": [[1, 2, 3]], "b": [[0, 0, 0]]}}


def another_machine(bench: Workbench, folder: Path) -> Path:
    """A machine without weights and results, which has the tools."""
    (folder / "slipway").mkdir(parents=True)
    toolboxes().mkdir(parents=True, exist_ok=True)
    (folder / "slipway/toolboxes").symlink_to(toolboxes())
    bench.environ["XDG_CACHE_HOME"] = str(folder)
    return folder / "slipway/artifacts/sha256"


def test_a_locked_model_is_planned_without_its_bytes_and_served_with_exactly_them(
    bench: Workbench, tmp_path: Path
) -> None:
    another_machine(bench, tmp_path / "one")
    spec = bench.write("sums", nodes=fresh_simplified(2.0))
    plain = json.loads(bench.well("plan", bench.environment, "--json"))["models"][0]["image"]
    spec.write_text(yaml.safe_dump(yaml.safe_load(spec.read_text()) | {"optimize": [{"simplify": True}]}))
    unlocked = bench.run("plan", bench.environment)
    assert unlocked.returncode == 1
    assert "optimize: needs a lock" in unlocked.stderr
    assert "1 simplify" in bench.well("lock", "sums")
    lock = yaml.safe_load((bench.folder / "models/sums.lock.yaml").read_text())
    (file,) = lock["variants"][0]["files"]

    weights = another_machine(bench, tmp_path / "two")
    planned = json.loads(bench.well("plan", bench.environment, "--json"))["models"][0]["image"]
    assert planned["tag"] != plain["tag"]
    assert not weights.exists()
    first = bench.up()
    assert first.returncode == 0, first.stderr
    assert "1 of 1: simplify" in first.stderr
    assert (weights / file["sha256"]).stat().st_size == file["size"]
    assert post(bench.port("sums"), ASKED)["outputs"] == {"y": [[2.0, 4.0, 6.0]]}

    weights = another_machine(bench, tmp_path / "three")
    again = bench.up()
    assert "0 of 1 models to deploy" in again.stderr
    assert not weights.exists()

    (bench.folder / "models/sums.onnx").write_bytes(b"other")
    refused = bench.up()
    assert refused.returncode == 1
    assert "sums.lock.yaml: is stale: it was made with another models/sums.onnx" in refused.stderr
    assert post(bench.port("sums"), ASKED)["outputs"] == {"y": [[2.0, 4.0, 6.0]]}


def test_the_example_serves_quantized_as_its_lock_in_the_repository_says(bench: Workbench, tmp_path: Path) -> None:
    for name in ("digits", "digits.yaml", "digits.lock.yaml"):
        (shutil.copytree if (ROOT / "models" / name).is_dir() else shutil.copyfile)(
            ROOT / "models" / name, bench.folder / "models" / name
        )
    spec = bench.folder / "models/digits.yaml"
    spec.write_text(spec.read_text().replace("  local: {", f"  {bench.environment}: {{"))
    weights = another_machine(bench, tmp_path / "clean")
    up = bench.up()
    assert up.returncode == 0, up.stderr
    lock = yaml.safe_load((ROOT / "models/digits.lock.yaml").read_text())
    (file,) = lock["variants"][0]["files"]
    assert file["size"] < lock["source"]["size"]
    # Its image may be there already, of the local environment, which needs no bytes then.
    made = weights / file["sha256"]
    assert not made.exists() or made.stat().st_size == file["size"]
    asked = json.loads((ROOT / "models/digits/check.json").read_text())
    outputs = post(bench.port("digits"), asked)["outputs"]
    assert isinstance(outputs, dict)
    assert outputs["label"] == [7]
