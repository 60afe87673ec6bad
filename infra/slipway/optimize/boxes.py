"""Say which tool environment and which script carry out a step."""

from pathlib import Path

from slipway.formats.names import WORDS
from slipway.reading.files import BadFile
from slipway.spec.artifact.optimize import AnyStep, Convert, Prune, Script, Search
from slipway.toolbox.box import Box, own

ONNX = Box("onnx")
"""What changes ONNX files. It has the model server's ONNX Runtime, so that what it writes loads there."""
TORCH = Box("torch")
_SEARCH = Box("search")
_TREES = Box("trees")
_TENSORFLOW = Box("tensorflow")
_CONVERTERS: dict[str, Box] = {
    "savedmodel": _TENSORFLOW,
    "keras": _TENSORFLOW,
    "h5": _TENSORFLOW,
    "tflite": _TENSORFLOW,
    "torchscript": TORCH,
    "torch-export": TORCH,
    "safetensors": TORCH,
    "skops": _TREES,
    "xgboost": _TREES,
    "lightgbm": _TREES,
    "pickle": _TREES,
    "joblib": _TREES,
}
"""The tools of each format's own framework."""
_READERS: dict[str, Box] = {
    "tflite": Box("gate"),
    "skops": _TREES,
    "xgboost": _TREES,
    "lightgbm": _TREES,
    "savedmodel": _TENSORFLOW,
    "keras": _TENSORFLOW,
    "torchscript": TORCH,
    "torch-export": TORCH,
}
"""What says what models take and give whose files do not: the script `signature` of these."""
_TO_TFLITE = ("savedmodel", "keras", "h5")
"""What LiteRT's own converter reads."""


def where(step: AnyStep, format: str, root: Path) -> tuple[Box, str]:  # noqa: A002 - the spec's own word
    """The environment of a step, and the script in it: its name, or the path of a user's.

    A user's script without requirements runs among the tools for ONNX files, which most such scripts want.

    Args:
        step: a step of the spec.
        format: of the weights that it begins with.
        root: the folder that paths of the spec begin at.

    Raises:
        BadFile: nothing converts that format so.
    """
    if isinstance(step, Convert):
        return _converter(step, format), "convert"
    if isinstance(step, Script):
        if step.requirements is not None:
            return own(root / step.requirements), str(root / step.script)
        return ONNX, str((root / step.script).with_suffix(""))
    if isinstance(step, Prune) and step.prune == "structured":
        return TORCH, "prune_structured"
    if isinstance(step, Search):
        return _SEARCH, step.kind
    return ONNX, step.kind


def reader(format: str) -> Box:  # noqa: A002 - the spec's own word
    """The tools that say what a model of a format takes and gives; raises `LookupError` where its file says it."""
    return _READERS[format]


def _converter(step: Convert, format: str) -> Box:  # noqa: A002 - the spec's own word
    if format == "pickle" and step.module is not None:
        return TORCH  # numbers of PyTorch, which is not asked to load anything else
    can = tuple(_CONVERTERS) if step.convert == "onnx" else _TO_TFLITE
    if format in can:
        return _CONVERTERS[format]
    problem = f"{WORDS[format]} is not converted to {step.convert}"
    allowed = f"convert: {step.convert} after {', '.join(can)}"
    if format == step.convert:
        raise BadFile(f"the weights are {WORDS[format]} already", allowed, "remove the step")
    if format == "gguf":
        problem = "GGUF has the weights of a language model for llama.cpp, which no runtime of this version is"
        raise BadFile(problem, allowed, "serve the model by its ONNX export, where it has one")
    raise BadFile(problem, allowed, "begin with the model that was trained, in one of those formats")
