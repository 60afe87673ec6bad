"""Say which tool environment and which script carry out a step."""

from pathlib import Path

from slipway.spec.artifact.optimize import AnyStep, Prune, Script
from slipway.toolbox.box import Box, own

ONNX = Box("onnx")
"""What changes ONNX files. It has the model server's ONNX Runtime, so that what it writes loads there."""
TORCH = Box("torch")


def where(step: AnyStep, format: str, root: Path) -> tuple[Box, str]:  # noqa: A002, ARG001 - the spec's own word
    """The environment of a step, and the script in it: its name, or the path of a user's.

    A user's script without requirements runs among the tools for ONNX files, which most such scripts want.

    Args:
        step: a step of the spec.
        format: of the weights that it begins with.
        root: the folder that paths of the spec begin at.
    """
    if isinstance(step, Script):
        if step.requirements is not None:
            return own(root / step.requirements), str(root / step.script)
        return ONNX, str((root / step.script).with_suffix(""))
    if isinstance(step, Prune) and step.prune == "structured":
        return TORCH, "prune_structured"
    return ONNX, step.kind
