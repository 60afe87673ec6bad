"""Turn the scores of a model into predictions: labels with their confidence, the best first."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slipway_server.protocol.answers import longest_json
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import MAX_LABELS, OutputSection
from slipway_server.values.tensors import INFINITIES, Array

MAX_LABEL = 500
_SCORES = "an FP16, BF16, FP32 or FP64 output of the shape [rows, classes] or [classes], or a list of maps to numbers"
# Around a label and its confidence, and of a class's number, in JSON.
_AROUND, _DIGITS = 60, 10
_WORDS = {value: word for word, value in INFINITIES.items()}
_MAPS = ("seq(map(", "map(")


def parse_labels(data: bytes) -> list[str]:
    """Return the labels in a file that has one on each line.

    Raises:
        BadRequest: not UTF-8, an empty line between labels, too many or too long ones, or one label twice.
    """
    allowed = f"UTF-8 text with a label on each line, at most {MAX_LABELS} of {MAX_LABEL} characters"
    try:
        lines = data.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise BadRequest("output.labels", f"is a file that is not UTF-8 (byte {error.start})", allowed) from None
    return check_labels([line.strip() for line in lines])


def check_labels(labels: Sequence[str]) -> list[str]:
    """Return the labels of a spec or a file; raises as `parse_labels`."""
    allowed = f"1 to {MAX_LABELS} labels of 1 to {MAX_LABEL} characters, each once"
    if not 0 < len(labels) <= MAX_LABELS:
        raise BadRequest("output.labels", f"has {len(labels)} labels", allowed)
    seen: dict[str, int] = {}
    for number, label in enumerate(labels, 1):
        if not 0 < len(label) <= MAX_LABEL:
            raise BadRequest("output.labels", f"has {len(label)} characters for label {number}", allowed)
        if seen.setdefault(label, number) != number:
            problem = f"has {show(label)} as label {seen[label]} and as label {number}"
            raise BadRequest("output.labels", problem, allowed)
    return list(labels)


class Predictions:
    """What an answer says beside its outputs where the spec asks for labels, for the best classes, or for shares.

    Attributes:
        alone: whether only the best class is named, without its confidence.
    """

    def __init__(self, section: OutputSection, labels: Sequence[str] | None, signature: Signature) -> None:
        """Hold the spec against the model.

        Args:
            section: what the spec says; `section.labels` is not looked at.
            labels: one for each class; None: the classes' numbers, or the keys of the model's own maps.
            signature: what the model gives.

        Raises:
            BadRequest: no output has scores of classes, or labels and classes are not as many.
        """
        self._tensor = scored(section, signature)
        self._labels = labels
        self._longest_label = 6 * max(map(len, labels)) if labels else _DIGITS
        self._softmax = section.softmax
        self._top_k = 1 if section.top_1 else section.top_k
        self.alone = section.top_1
        self._digits = section.round
        classes = self._tensor.shape[-1] if self._tensor.shape else None
        if not self._tensor.is_tensor:
            self._refuse_for_maps(section, labels)
        elif labels is not None and classes not in (None, len(labels)):
            problem = f"has {len(labels)} labels, and the output `{self._tensor.name}` has {classes} classes"
            raise BadRequest("output.labels", problem, f"{classes} labels, in the order of the classes")
        known = len(labels) if labels is not None else classes
        if section.top_k is not None and known is not None and section.top_k > known:
            raise BadRequest("output.top_k", f"is {section.top_k}, of {known} classes", f"1 to {known}")

    def of(self, outputs: Mapping[str, Array], single: bool) -> list[Any]:
        """Return the predictions: a list for each row, or the list of the only row where the request was `single`.

        Raises:
            BadRequest: the output has not the classes that the labels are for.
        """
        array = outputs[self._tensor.name]
        if not self._tensor.is_tensor:
            rows = [self._of_map(item) for item in array.reshape(-1)]
        else:
            rows = self._of_scores(array if array.ndim == 2 else array.reshape(1, -1))
        return rows[0] if single and len(rows) == 1 else rows

    def longest(self, outputs: Mapping[str, Array]) -> int:
        """Return how many bytes the predictions have as JSON at most."""
        array = outputs[self._tensor.name]
        if not self._tensor.is_tensor:
            return 2 * longest_json({"": array})
        most = array.size if self._top_k is None else min(array.size, self._top_k * max(1, len(array)))
        return most * (_AROUND + self._longest_label)

    def _of_scores(self, scores: Array) -> list[list[dict[str, Any]]]:
        classes = scores.shape[1]
        if self._labels is not None and classes != len(self._labels):
            problem = f"has {classes} classes for {len(self._labels)} labels"
            raise BadRequest(f"outputs.{self._tensor.name}", problem, "a request for which the model gives as many")
        if self._softmax:
            scores = softmax(scores)
        most = classes if self._top_k is None else min(self._top_k, classes)
        best = best_first(scores)[:, :most]
        confidences = np.take_along_axis(scores, best, axis=1)
        labels = self._labels
        return [
            [
                self._said(index if labels is None else labels[index], _number(confidence))
                for index, confidence in zip(row, of_row, strict=True)
            ]
            for row, of_row in zip(best.tolist(), confidences, strict=True)
        ]

    def _of_map(self, scores: Mapping[str, Any]) -> list[dict[str, Any]]:
        ranked = sorted(scores.items(), key=lambda item: -item[1] if isinstance(item[1], int | float) else np.inf)
        return [self._said(label, confidence) for label, confidence in ranked[: self._top_k]]

    def _said(self, label: str | int, confidence: Any) -> dict[str, Any]:
        if self.alone:
            return {"label": label}
        return {"label": label, "confidence": rounded(confidence, self._digits)}

    def _refuse_for_maps(self, section: OutputSection, labels: Sequence[str] | None) -> None:
        for name, given in (("labels", labels is not None), ("softmax", section.softmax)):
            if given:
                problem = f"is given, and `{self._tensor.name}` has labels with their shares already"
                raise BadRequest(f"output.{name}", problem, "leave it out for such a model")


def softmax(scores: Array) -> Array:
    """Return scores as shares of 1, over the last dimension, in FP32 or FP64."""
    wide = scores.astype(np.float64 if scores.dtype == np.float64 else np.float32)
    with np.errstate(invalid="ignore"):
        powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def rounded(item: Any, digits: int | None) -> Any:
    """Return a JSON value with its fractions of so many decimals; as it is where `digits` is None."""
    if digits is None:
        return item
    if isinstance(item, dict):
        return {key: rounded(value, digits) for key, value in item.items()}
    if isinstance(item, list):
        return [rounded(value, digits) for value in item]
    # A zero has no sign that would say which side it came from.
    return round(item, digits) + 0.0 if isinstance(item, float) else item


def _number(value: Any) -> Any:
    """Return a number of numpy's as answers have it: of as few digits as its type needs, null for a NaN."""
    if np.isfinite(value):
        return float(str(value))
    return _WORDS.get(float(value))


def best_first(scores: Array) -> Array:
    """Return the places of scores along the last dimension, the best first."""
    # Of equal ones the first: what is listed must not depend on the sorting.
    return np.argsort(-scores.astype(np.float64), axis=-1, kind="stable")


def scored(section: OutputSection, signature: Signature) -> Tensor:
    """Return the output with the scores of classes that the spec means; BadRequest where it is not told."""
    fitting = [tensor for tensor in signature.outputs if _has_scores(tensor)]
    names = ", ".join(tensor.name for tensor in fitting)
    if section.of is None:
        if len(fitting) == 1:
            return fitting[0]
        problem = f"is left out, and {len(fitting)} outputs may have scores" if fitting else "is left out"
        allowed = names or f"for a model with scores ({_SCORES}), which this one has not; output.hook for others"
        raise BadRequest("output.of", problem, allowed)
    for tensor in signature.outputs:
        if tensor.name == section.of:
            if tensor in fitting:
                return tensor
            problem = f"is `{tensor.name}`, {tensor.dtype} of the shape {tensor.shape_text}"
            raise BadRequest("output.of", problem, names or _SCORES)
    allowed = names or ", ".join(tensor.name for tensor in signature.outputs)
    raise BadRequest("output.of", f"is {show(section.of)}, which is no output of the model", allowed)


def _has_scores(tensor: Tensor) -> bool:
    if not tensor.is_tensor:
        return tensor.dtype.startswith(_MAPS) and not tensor.dtype.endswith(("tensor(string)))", "tensor(string))"))
    return tensor.numpy_dtype.kind == "f" and len(tensor.shape) in (1, 2)
