"""Find out what a model takes and gives whose file does not say it: the tools of its format are asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from slipway_server.values.signature import Signature

from slipway.lockfile.model import LockedSignature
from slipway.optimize.boxes import reader
from slipway.optimize.weights import Weights
from slipway.toolbox.environment import Tell
from slipway.toolbox.errors import StepFailed
from slipway.toolbox.running import run

_SCRIPT = "signature"
_LIMIT_S = 600.0
"""Loading takes seconds, the largest models some minutes."""


def read_signature(weights: Weights, inputs: Mapping[str, Any], folder: Path, tell: Tell) -> Signature:
    """Have a model loaded by the tools of its format, and say what it takes and gives.

    Args:
        weights: the model.
        inputs: what the spec says that it takes, `{name: {dtype, shape}}`; empty where it says nothing.
        folder: a folder for this alone.
        tell: takes lines of progress.

    Raises:
        StepRefused: the file cannot be loaded, or has types that no request has.
        StepFailed: the tools ended without an answer.
        BoxUnavailable, NoSpace: they cannot be had, or the disk is full.
    """
    request: Mapping[str, Any] = {
        "step": {"inputs": dict(inputs)} if inputs else {},
        "input": {"folder": str(weights.folder), "main": weights.main, "format": weights.format},
        "files": {},
        "seed": 0,
    }
    result = run(reader(weights.format), _SCRIPT, request, folder, tell, _LIMIT_S)
    answered = result.get("signature")
    try:
        return LockedSignature.model_validate(
            {"metadata": {}, **(answered if isinstance(answered, dict) else {})}
        ).signature()
    except ValidationError as error:
        raise StepFailed(_SCRIPT, f"answered no signature ({error.error_count()} errors)", ()) from None
