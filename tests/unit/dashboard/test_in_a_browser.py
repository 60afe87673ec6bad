"""A person follows the dashboard by keyboard and on a phone, in headless Chromium, in full rounds."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.dashboard.documents import fleet, hostile, overview, row
from tests.unit.dashboard.test_server import running

PLAYWRIGHT = "playwright-core@1.64.1"
FULL = os.environ.get("SLIPWAY_ROUNDS") == "full"
NODE, NPM = shutil.which("node"), shutil.which("npm")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(
    not FULL or None in (CHROMIUM, NPM, NODE), reason="needs SLIPWAY_ROUNDS=full, and Chromium, Node and npm of Debian"
)
def test_a_person_follows_it_by_keyboard_and_on_a_phone(tmp_path: Path) -> None:
    command = [
        NPM or "",
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(tmp_path),
        PLAYWRIGHT,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    answers = iter((row(), row()))

    def gather() -> list[dict[str, Any]]:
        return [
            overview("prod", next(answers, row(state="not ready"))),
            hostile() | {"environment": "hostile"},
            fleet(),
        ]

    with running(gather) as dashboard:
        script = str(Path(__file__).parent / "dashboard_browser.cjs")
        library = str(tmp_path / "node_modules" / "playwright-core")
        played = [NODE or "", script, library, CHROMIUM or "", dashboard.url]
        ran = subprocess.run(played, check=False, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert (seen["errors"], seen["elsewhere"], seen["injected"]) == ([], [], False)
    assert (seen["first"], seen["region"], seen["outline"]) == ("skip", "Models of prod", "solid")
    assert (seen["after"], seen["said"]) == ("Models of prod", "This page follows what happens.")
    assert seen["overflow"] <= 0
    assert seen["dark"] == "rgb(22, 24, 26)"
    assert seen["cells"] > 10
