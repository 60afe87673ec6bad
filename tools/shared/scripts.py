"""Import a user's script, and take the one function that a step asks for."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from step import Refused, shortened


def function_of(path: Path, name: str, signature: str, tools: str, verb: str) -> Callable[..., object]:
    """The function of a script.

    `name`: of the script; `signature`: of the function, as `def NAME(...`; `tools`: whose libraries the script may
    import, as in "Slipway's tools for ONNX"; `verb`: what the step `script` does instead, with libraries of its own.
    """
    wanted = signature.removeprefix("def ").partition("(")[0]
    spec = importlib.util.spec_from_file_location("slipway_script", path)
    if spec is None or spec.loader is None:
        raise Refused(f"{name} is no Python script", signature, "Name a file that ends with .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Refused(
            f"{name} cannot be imported: {type(error).__name__}: {shortened(error)}",
            f"a script that imports what Slipway's tools for {tools} have, among it scikit-learn and skl2onnx",
            f"Import something else, or {verb} with a step `script`, which has an environment of its own.",
        ) from error
    function = getattr(module, wanted, None)
    if not callable(function):
        raise Refused(f"{name} has no function {wanted}", signature, "Add it.")
    return function
