"""The step `distill`: a student trained on a teacher's answers. What it is and how it learns is a script's.

The script has one function:

    def student(inputs, right, teacher, alpha, seed): ...

It is given arrays by name, rows first: what goes in, the right answers, and the teacher's answers to the same rows;
the weight of the teacher's answers against the right ones; and a seed for every random choice. It returns an
`onnx.ModelProto` that takes and gives what the model before this step does. models/digits/distill.py is an example.
"""

from pathlib import Path
from typing import Any

import calibration
import graphs
import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from scripts import function_of
from step import Refused, Request, progress, shortened, versions

FUNCTION = "def student(inputs, right, teacher, alpha, seed) -> onnx.ModelProto"
ALPHA = 0.5
"""Where the step names none: what infra/slipway/spec/artifact/data_steps.py says."""
Arrays = dict[str, NDArray[Any]]


def run(request: Request) -> dict[str, Any]:
    """Ask the teacher, let the script train its student, and hold that one's signature against the model's.

    Raises:
        Refused: the data do not fit the teacher, the script fails or returns no model, or the signature would change.
    """
    step = request.step
    alpha, script, data = float(step.get("alpha", ALPHA)), step["distill"], step["data"]
    source, teacher = graphs.outline(request.source), graphs.outline(request.file(step["teacher"]))
    progress("asking the teacher")
    rows = calibration.read(request.file(data), data, teacher)
    inputs, answers = _answers(request.file(step["teacher"]), rows)
    right = calibration.others(request.file(data), data, teacher)
    progress(f"training the student of {script} on {rows.count} rows")
    student = function_of(request.file(script), script, FUNCTION, "ONNX", "train")
    try:
        model = student(inputs=inputs, right=right, teacher=answers, alpha=alpha, seed=request.seed)
    except Exception as error:
        raise Refused(
            f"{script} failed: {type(error).__name__}: {shortened(error)}",
            "a function that trains a student and returns it",
            f"Mend the script; it was given {', '.join(inputs)} and {', '.join(right) or 'no right answers'}.",
        ) from error
    if not isinstance(model, onnx.ModelProto):
        raise Refused(f"{script} returned {type(model).__name__}, no model", FUNCTION, "Return the student's graph.")
    dropped = graphs.keep_signature(source, graphs.save(model, request.output, apart=False))
    before, after = _numbers(teacher), _numbers(model)
    return graphs.made(
        {"alpha": alpha, "rows": rows.count, "seed": request.seed},
        versions("onnx", "onnxruntime", "scikit-learn"),
        [f"the teacher has {before} weights, the student {after}", *dropped],
        # Whether a script draws every random number from its seed is not known here.
        deterministic=False,
    )


def _answers(path: Path, rows: calibration.Rows) -> tuple[Arrays, Arrays]:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    feeds = list(rows)
    answers = [session.run(names, feed) for feed in feeds]
    inputs = {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}
    return inputs, {name: np.concatenate(of) for name, of in zip(names, zip(*answers, strict=True), strict=True)}


def _numbers(model: onnx.ModelProto) -> int:
    return sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
