"""The page's scripts: their functions under Node, and all of it in a browser in full rounds."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import onnx
import onnx_models
import processes
import pytest
from slipway_server.page.document import _SCRIPTS
from test_page import HOSTILE

HERE = Path(__file__).parent
PAGE = HERE.parent / "src" / "slipway_server" / "page"
PLAYWRIGHT = "playwright-core@1.64.1"
FULL = os.environ.get("SLIPWAY_ROUNDS") == "full"
NODE, NPM = shutil.which("node"), shutil.which("npm")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

needs_node = pytest.mark.skipif(NODE is None, reason="needs Node 20 or newer: apt-get install nodejs")


def node(*arguments: str, limit_s: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    environment = {**os.environ, **variables}
    command = [NODE, *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=limit_s)


@needs_node
@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_script_of_the_page_can_be_read(name: str) -> None:
    checked = node("--check", str(PAGE / name))
    assert checked.returncode == 0, checked.stderr


def test_the_page_has_all_scripts_that_are_there_and_each_is_of_a_size_to_read() -> None:
    assert {path.name for path in PAGE.glob("*.js")} == set(_SCRIPTS)
    for name in _SCRIPTS:
        lines = (PAGE / name).read_text().splitlines()
        assert len(lines) <= 300, name
        assert max(map(len, lines)) <= 120, name


@needs_node
def test_the_functions_of_the_page_do_what_they_say() -> None:
    paths = ":".join(str(PAGE / name) for name in _SCRIPTS if name != "page.js")
    ran = node("--test", "--test-reporter=tap", str(HERE / "page_scripts.cjs"), PAGE_SCRIPTS=paths)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# fail 0" in ran.stdout


def hostile(folder: Path) -> dict[str, Any]:
    """The configuration of a model whose names try to be elements, scripts and attributes of the page."""
    nodes = [
        onnx.helper.make_node("Identity", [HOSTILE], ["same"], name="<b>bold</b>"),
        onnx.helper.make_node("Identity", ["same"], ["<iframe>"], name=HOSTILE),
    ]
    inputs = [onnx_models.value(HOSTILE, onnx_models.FLOAT, ["N", 3])]
    outputs = [onnx_models.value("<iframe>", onnx_models.FLOAT, ["N", 3])]
    model = onnx_models.save(folder / "hostile-page.onnx", nodes, inputs, outputs, checked=False)
    labels = ["<img src=x onerror=injected=true>", "</script><script>injected=true</script>", "<b>"]
    check = {"request": {"inputs": {HOSTILE: [[0, 0, 0]]}}, "expect": {"<iframe>": [[0, 0, 0]]}}
    config = processes.config_for(model, check, output={"labels": labels})
    return {**config, "model": {**config["model"], "name": HOSTILE}}


@pytest.fixture(scope="module")
def playwright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("playwright")
    assert NPM is not None
    command = [NPM, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), PLAYWRIGHT]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder / "node_modules" / "playwright-core"


@pytest.mark.skipif(not FULL, reason="needs a browser: SLIPWAY_ROUNDS=full")
@pytest.mark.skipif(CHROMIUM is None or NPM is None, reason="needs Chromium and npm: apt-get install chromium npm")
@pytest.mark.parametrize("model", ["digits", "hostile"])
def test_a_person_asks_and_explains_by_keyboard_and_on_a_phone(model: str, folder: Path, playwright: Path) -> None:
    config = processes.digits_config() if model == "digits" else hostile(folder)
    picture = str(processes.DIGITS / "seven.png")
    with processes.running(config, folder) as server:
        url = f"http://127.0.0.1:{server.port}/"
        ran = node(str(HERE / "page_browser.cjs"), str(playwright), CHROMIUM or "", url, picture, limit_s=240)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["errors"] == []
    assert seen["elsewhere"] == []
    assert seen["injected"] is False
    assert seen["overflow"] <= 0
    assert "is no input of this model" in seen["problem"]
    assert seen["explained"].startswith("Hiding ")
    if model == "digits":
        assert (seen["title"], seen["kinds"]) == ("digits", ["picture", "json"])
        assert (seen["tabbed"], seen["focusedAnswer"], seen["drawn"]) == ("predict", "answer", 1)
        assert seen["first"].split()[:2] == ["label", "[7]"]
        assert seen["boxes"] == 6
    else:
        assert (seen["title"].split()[0], seen["kinds"]) == (HOSTILE.split()[0], ["table", "json"])
        assert (seen["rows"], seen["boxes"]) == (2, 2)
