"""KEDA's version in all the places that name it, and what is changed of its own configuration."""

import json
import re
from pathlib import Path

import pytest

from slipway.catalog.platform_pins import KEDA
from slipway.local.autoscaling import programs
from slipway.local.cluster.program_images import Kept


@pytest.fixture
def image(tmp_path: Path) -> Kept:
    (tmp_path / "manifest").write_text("{}")
    return Kept(programs.IMAGE, tmp_path)


def test_the_version_is_that_of_the_go_module_and_of_aws() -> None:
    pinned = re.search(r"github\.com/kedacore/keda/v2 v(\S+)", (programs.MODULE / "go.mod").read_text())
    assert pinned is not None
    assert pinned.group(1) == programs.VERSION == KEDA.version


def test_both_of_its_images_become_ours_by_digest(image: Kept) -> None:
    changed = {entry["name"]: (entry["newName"], entry["digest"]) for entry in programs.overlay(image)["images"]}
    assert changed == {
        "ghcr.io/kedacore/keda": ("127.0.0.1:5000/slipway/keda", image.digest),
        "ghcr.io/kedacore/keda-metrics-apiserver": ("127.0.0.1:5000/slipway/keda", image.digest),
    }


def test_the_operator_makes_its_certificates_and_elects_no_leader(image: Kept) -> None:
    patches = [json.loads(entry["patch"]) for entry in programs.overlay(image)["patches"]]
    operator, server = (patch["spec"]["template"]["spec"]["containers"][0] for patch in patches)
    assert "--enable-cert-rotation=true" in operator["args"]
    assert "--leader-elect" not in operator["args"]
    assert "args" not in server


def test_its_programs_know_time_zones_without_the_images_files() -> None:
    assert {program.tags for program in programs.IMAGE.programs.values()} == {"timetzdata"}
