"""Which tools carry out which step."""

from pathlib import Path
from typing import Any

import pytest

from slipway.optimize.boxes import where
from slipway.toolbox.box import OwnBox
from tests.unit.optimize.conftest import STEP

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("written", "box", "script"),
    [
        ({"simplify": True}, "onnx", "simplify"),
        ({"quantize": "int8-dynamic"}, "onnx", "quantize"),
        ({"prune": "magnitude", "share": 0.5}, "onnx", "prune"),
        ({"prune": "structured", "share": 0.5}, "torch", "prune_structured"),
        ({"average": ["a.onnx"]}, "onnx", "average"),
        ({"merge": "a.onnx", "map": {"a": "b"}}, "onnx", "merge"),
        ({"distill": "a.py", "teacher": "a.onnx", "data": "a.npz"}, "onnx", "distill"),
        ({"search": "a.py", "data": "a.npz", "min": 0.9}, "search", "search"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_step_has_its_tools_and_its_script(written: dict[str, Any], box: str, script: str) -> None:
    found, name = where(STEP.validate_python(written), "onnx", ROOT)
    assert (found.name, name) == (box, script)
    assert found.script(name).is_file()


def test_a_script_with_requirements_has_an_environment_of_its_own() -> None:
    box, script = where(STEP.validate_python({"script": "a.py", "requirements": "a.txt"}), "onnx", ROOT)
    assert isinstance(box, OwnBox)
    assert (box.pins, box.script(script)) == ((ROOT / "a.txt",), ROOT / "a.py")


def test_a_script_without_requirements_runs_among_the_tools_for_onnx_files() -> None:
    box, script = where(STEP.validate_python({"script": "a.py"}), "onnx", ROOT)
    assert (box.name, box.script(script)) == ("onnx", ROOT / "a.py")
