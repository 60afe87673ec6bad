"""Hold what a user's script wrote against what it was given: the same inputs and outputs, or it has to say so."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.optimize.boxes import ONNX
from slipway.toolbox.environment import Tell
from slipway.toolbox.running import run

CHANGED = "changed"
_LIMIT_S = 600.0


def hold_signature(before: Path, after: Path, result: Mapping[str, Any], folder: Path, tell: Tell) -> None:
    """Refuse an ONNX file that a script wrote with another signature than that of the ONNX file which it was given.

    A script that changes the signature on purpose returns `"signature": "changed"` beside the rest of its result. The
    scripts of Slipway's own steps hold theirs themselves.

    Args:
        before: the main file that the script was given.
        after: the main file that it wrote.
        result: what it answered.
        folder: a folder for this check alone.
        tell: takes lines of progress.

    Raises:
        StepRefused: the signature changed and the result does not say so, or ONNX Runtime does not load the file.
    """
    files = {"result": str(after)}
    step = {"changed": result.get("signature") == CHANGED}
    given = {"folder": str(before.parent), "main": before.name, "format": "onnx"}
    run(ONNX, "hold", {"step": step, "input": given, "files": files, "seed": 0}, folder, tell, _LIMIT_S)
