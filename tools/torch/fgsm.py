"""Disturb a dataset by the fast gradient sign method: ART takes the gradients of the model that onnx2torch made.

ONNX Runtime computes no gradients, so PyTorch does, of the model as it was: what comes out is asked of every variant.

The request has, beside what every script gets: model (an ONNX file), accept, amount (the method's step, in units of the
input), to (the file that takes the disturbed inputs, as tools/gate/arrays.py writes it).
"""

import sys
from pathlib import Path

import numpy as np
import onnx2torch
import torch
from art.attacks.evasion import FastGradientMethod
from art.estimators.classification import PyTorchClassifier
from step import Refused, Request, progress, shortened, versions

sys.path.append(str(Path(__file__).resolve().parents[1] / "gate"))

import arrays
import dataset as datasets
import engines

_BATCH = 64
_SUM_TOLERANCE = 1e-3
_CLASSIFYING = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss")


class Scores(torch.nn.Module):
    """A converted model by one of its outputs; probabilities as their logarithms, whose gradients do not vanish."""

    def __init__(self, model: torch.nn.Module, index: int, *, logarithms: bool) -> None:
        super().__init__()
        self.model = model
        self._index = index
        self._logarithms = logarithms

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Scores of each class, [N,C]."""
        answer = self.model(rows)
        scores = answer[self._index] if isinstance(answer, list | tuple) else answer
        return torch.log(scores.clamp_min(torch.finfo(scores.dtype).tiny)) if self._logarithms else scores


def run(request: Request) -> dict[str, object]:
    """Write the disturbed inputs; the result has the versions of what made them."""
    accept, path = request.raw["accept"], Path(request.raw["model"])
    if accept["metric"] not in _CLASSIFYING:
        raise _refused(f"needs the right class of each row, and accept.metric is {accept['metric']}")
    engine = engines.load(path, "onnx", 1)
    shown = str(accept["dataset"])
    file = request.file(accept["dataset"])
    output = datasets.judged(file, shown, accept.get("output"), engine.outputs)
    data = datasets.read(file, shown, engine.inputs, output)
    if len(engine.inputs) != 1 or engine.inputs[0].dtype != "float32" or not data.step:
        raise _refused("needs a model with one input, FP32, whose first dimension is rows")
    (name, rows), *_ = data.inputs.items()
    index, probabilities = _scores(engine, output, {name: rows[: data.step]})
    progress("convert the model to PyTorch")
    try:
        converted = onnx2torch.convert(str(path))
    # What it cannot convert it says by exceptions of many kinds.
    except Exception as error:
        raise _refused(f"needs PyTorch's gradients, and onnx2torch cannot convert it: {shortened(error)}") from None
    classifier = PyTorchClassifier(
        model=Scores(converted.eval(), index, logarithms=probabilities),
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=rows.shape[1:],
        nb_classes=engine.outputs[index].shape[1] or int(data.truth.max()) + 1,
        clip_values=(float(rows.min()), float(rows.max())),
        device_type="cpu",
    )
    progress(f"disturb {data.rows} rows")
    batch = _BATCH if engine.inputs[0].shape[0] is None else data.step
    attack = FastGradientMethod(classifier, norm=np.inf, eps=request.raw["amount"], batch_size=batch)
    disturbed = attack.generate(rows, y=data.truth.ravel().astype(np.int64))
    arrays.write(Path(request.raw["to"]), {name: disturbed.astype(rows.dtype)})
    return {"tools": versions("torch", "onnx2torch", "adversarial-robustness-toolbox")}


def _scores(engine: engines.Engine, judged: str, request: dict[str, np.ndarray]) -> tuple[int, bool]:
    """Which output has a score for each class, and whether scores are probabilities."""
    names = [tensor.name for tensor in engine.outputs]
    found = [name for name, answer in engine.run(request).items() if answer.ndim == 2 and answer.dtype.kind == "f"]
    if judged in found:
        found = [judged]
    if len(found) != 1:
        raise _refused(f"needs one output of scores, [N, classes], and the model has {', '.join(found) or 'none'}")
    sums = engine.run(request)[found[0]].sum(axis=1)
    return names.index(found[0]), bool(np.all(np.abs(sums - 1) < _SUM_TOLERANCE))


def _refused(problem: str) -> Refused:
    return Refused(
        f"accept.robustness.fgsm {problem}",
        "a classifier of floats with an output of scores, made of operators that onnx2torch knows",
        "leave fgsm out of robustness",
    )
