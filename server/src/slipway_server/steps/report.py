"""Say what an answer predicted, for whoever keeps it until somebody knows what was right: never what was asked."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from slipway_server.steps.labels import MAX_LABEL, scored, softmax
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import OutputSection, QualitySection
from slipway_server.values.tensors import Array

MOST_ROWS = 64
"""Rows of an answer that are told; of others, how many they are."""
MOST_BYTES = 4096
"""Of a report, which travels in a header of the answer: the gateway takes 60 KiB of them together."""


class Report:
    """What is told of one model's answers.

    Attributes:
        output: name of the output that it reads.
    """

    def __init__(
        self, section: QualitySection, after: OutputSection | None, labels: Sequence[str] | None, signature: Signature
    ) -> None:
        """Hold the spec against the model.

        Args:
            section: what the spec says.
            after: what it says about answers.
            labels: of classes, one for each.
            signature: what the model gives.

        Raises:
            BadRequest: the model has no such output, or it gives neither a class nor a number for each row.
        """
        self.output = section.output
        tensor = _named(section.output, signature)
        self._scores = section.task == "classification" and tensor.is_tensor and tensor.numpy_dtype.kind == "f"
        self._softmax = after is not None and after.softmax
        named = labels is not None and after is not None and scored(after, signature).name == tensor.name
        self._labels = labels if named else None
        if not _fits(tensor, self._scores):
            shape = list(tensor.shape)
            allowed = "whole numbers or texts [rows], or scores [rows, classes] of two classes or more"
            if section.task == "regression":
                allowed = "numbers of the shape [rows] or [rows, 1]"
            problem = f"is `{tensor.name}` ({tensor.dtype} {shape}), which gives no {_GIVES[section.task]} for each row"
            raise BadRequest("quality.output", problem, allowed)
        if section.task == "regression" and (not tensor.is_tensor or tensor.numpy_dtype.kind not in "fiu"):
            problem = f"is `{tensor.name}` ({tensor.dtype}), which gives no number for each row"
            raise BadRequest("quality.output", problem, "numbers of the shape [rows] or [rows, 1]")
        self._positive = (
            self._place(section.positive, tensor) if self._scores and section.positive is not None else None
        )

    def of(self, outputs: Mapping[str, Array], version: str) -> bytes:
        """Return the report on an answer with these outputs, as they leave the server: ASCII, without a line end."""
        array = outputs[self.output]
        alone = (1, -1) if self._scores else (-1,)
        array = array if self._scores and array.ndim == 2 else array.reshape(alone)
        rows = len(array)
        array = array[:MOST_ROWS]
        predicted, scores = self._of_scores(array) if self._scores else ([_text(item) for item in array.tolist()], None)
        told = len(predicted)
        while True:
            said = {"version": version, "rows": max(1, rows), "predicted": predicted[:told]}
            said |= {} if scores is None else {"scores": scores[:told]}
            report = json.dumps(said, separators=(",", ":")).encode()
            if len(report) <= MOST_BYTES or not told:
                return report
            told //= 2

    def _of_scores(self, scores: Array) -> tuple[list[str], list[float | None] | None]:
        if not scores.shape[1]:
            return [], None
        # Of equal ones the first, and none that is no number, as predictions have it.
        best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1).tolist()
        labels = self._labels
        predicted = [labels[index] if labels is not None and index < len(labels) else str(index) for index in best]
        if self._positive is None or self._positive >= scores.shape[1]:
            return predicted, None
        shares = softmax(scores) if self._softmax else scores
        # A 32-bit number in the digits that tell it, not in those of the 64-bit number nearest to it.
        return predicted, [float(str(one)) if np.isfinite(one) else None for one in shares[:, self._positive]]

    def _place(self, positive: str, tensor: Tensor) -> int:
        """The place of a class among the scores."""
        classes = tensor.shape[-1]
        if self._labels is not None:
            if positive in self._labels:
                return list(self._labels).index(positive)
            raise BadRequest("quality.positive", f"is {show(positive)}", "one of output.labels")
        if not (positive.isascii() and positive.isdigit()) or (classes is not None and int(positive) >= classes):
            most = "" if classes is None else f" to {classes - 1}"
            raise BadRequest("quality.positive", f"is {show(positive)}", f"the number of a class, 0{most}, as text")
        return int(positive)


_GIVES = {"classification": "class", "regression": "number"}


def _named(name: str, signature: Signature) -> Tensor:
    for tensor in signature.outputs:
        if tensor.name == name:
            return tensor
    names = ", ".join(tensor.name for tensor in signature.outputs)
    raise BadRequest("quality.output", f"is {show(name)}, which the model does not give", names)


def _fits(tensor: Tensor, scores: bool) -> bool:
    """Whether it gives one thing for each row; the sizes that the model does not say are taken to."""
    if not tensor.is_tensor:
        return False
    sizes = list(tensor.shape)
    if scores:
        return len(sizes) in (1, 2) and (sizes[-1] is None or sizes[-1] > 1)
    return len(sizes) <= 1 or (len(sizes) == 2 and sizes[1] in (None, 1))


def _text(item: object) -> str:
    """A class or a number as it is compared: of a number its shortest digits, of true and false JSON's words."""
    if isinstance(item, bytes):
        item = item.decode(errors="replace")
    text = str(item).lower() if isinstance(item, bool) else str(item)
    # PostgreSQL has no such character.
    return text.replace("\0", "\ufffd")[:MAX_LABEL]
