"""Say how good answers are, by scikit-learn, and for how many rows two models agree."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn import metrics as sk
from step import Refused

TOLERANCE = 0.01
"""Numbers agree when they differ by at most 1 % of the original's number, or of the spread of all its numbers."""
_AVERAGE = "macro"
"""Precision, recall and F1 are computed for each class, and their mean is taken: a rare class counts as much."""
_MOST_CLASSES = 50
_SUM_TOLERANCE = 0.05
"""Scores of a quantized model add up to 1 less exactly; they are scaled to it. Logits are refused."""

_OF_CLASSES: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": sk.accuracy_score,
    "precision": lambda truth, said: sk.precision_score(truth, said, average=_AVERAGE, zero_division=0),
    "recall": lambda truth, said: sk.recall_score(truth, said, average=_AVERAGE, zero_division=0),
    "f1": lambda truth, said: sk.f1_score(truth, said, average=_AVERAGE, zero_division=0),
}
_OF_NUMBERS: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "cosine": lambda truth, said: 1 - float(np.mean(sk.pairwise.paired_cosine_distances(truth, said))),
}
_OF_SCORES = ("roc_auc", "log_loss")
CLASSIFYING = (*_OF_CLASSES, *_OF_SCORES)
"""Metrics whose truth is a class for each row."""


def broken(answers: np.ndarray) -> np.ndarray:
    """For each row whether its answer has NaN or infinity."""
    flat = answers.reshape(len(answers), -1)
    return ~np.isfinite(flat).all(axis=1) if flat.dtype.kind == "f" else np.zeros(len(flat), dtype=bool)


def check(metric: str, output: str, truth: np.ndarray, answers: np.ndarray, shown: str) -> None:
    """Hold the right answers against what the original answers; raises Refused where the metric makes no sense."""
    if metric in CLASSIFYING:
        _check_classes(metric, output, truth, answers, shown)
    elif (
        truth.dtype.kind not in "fiub" or answers.dtype.kind not in "fiub" or _flat(truth).shape != _flat(answers).shape
    ):
        raise Refused(
            f"{shown} has {output} as {truth.dtype.name} {list(truth.shape)}, the model answers {answers.dtype.name} "
            f"{list(answers.shape)}",
            f"for {metric}: numbers of the same shape",
            "save the right numbers in the shape of the output, or choose another output or metric",
        )


def _check_classes(metric: str, output: str, truth: np.ndarray, answers: np.ndarray, shown: str) -> None:
    if truth.reshape(len(truth), -1).shape[1] != 1 or truth.dtype.kind not in "iubU":
        raise Refused(
            f"{shown} has {output} as {truth.dtype.name} {list(truth.shape)}",
            f"for {metric}: one class for each row, whole numbers or text",
            "save class numbers: numpy.argmax(one_hot, axis=1), or .astype(int)",
        )
    count = _classes(answers)
    if count is None:
        if metric in _OF_SCORES:
            raise Refused(
                f"{metric} needs scores, and output {output} answers {answers.dtype.name} {list(answers.shape)}",
                "an output of one score for each class, floats",
                "set accept.output to the output of probabilities, or choose accuracy, precision, recall or f1",
            )
        if (truth.dtype.kind == "U") != (answers.dtype.kind == "U"):
            raise Refused(
                f"{shown} has {output} as {truth.dtype.name}, the model answers {answers.dtype.name}",
                "right answers of the type that the model answers",
                "save the labels as the model names them",
            )
        unknown = set(np.unique(truth)) - set(np.unique(answers))
        if unknown == set(np.unique(truth)):
            raise Refused(
                f"{shown}: the model never answers any class of {output}, such as {next(iter(unknown))}",
                f"the model's classes, such as {np.unique(answers)[0]}",
                "number or name the classes as the model does",
            )
        return
    known = range(count)
    strange = sorted(set(truth.ravel().tolist()) - set(known), key=str)
    if strange:
        raise Refused(
            f"{shown} has classes in {output} that the model does not have: {', '.join(map(str, strange[:10]))}",
            f"whole numbers from 0 to {count - 1}",
            "number the classes as the model does",
        )


def value(metric: str, truth: np.ndarray, answers: np.ndarray) -> float:
    """The metric of answers without broken rows; raises Refused where scikit-learn cannot compute it."""
    try:
        if metric in _OF_CLASSES:
            return float(_OF_CLASSES[metric](truth.ravel(), classes(answers)))
        if metric in _OF_NUMBERS:
            return float(_OF_NUMBERS[metric](_flat(truth), _flat(answers)))
        if metric == "roc_auc" and _classes(answers) == 2:
            return float(sk.roc_auc_score(truth.ravel(), _flat(answers)[:, -1]))
        scores = _scores(answers)
        if metric == "roc_auc":
            labels = np.arange(scores.shape[1])
            return float(sk.roc_auc_score(truth.ravel(), scores, multi_class="ovr", average=_AVERAGE, labels=labels))
        return float(sk.log_loss(truth.ravel(), scores, labels=np.arange(scores.shape[1])))
    except ValueError as error:
        raise Refused(
            f"{metric} cannot be computed: {' '.join(str(error).split())[:300]}",
            "a dataset with every class of the model in it, and scores that are probabilities",
            "add rows of the missing classes, end the model in a softmax, or choose another metric",
        ) from None


def classes(answers: np.ndarray) -> np.ndarray:
    """The class of each row: of scores the largest (of one score: whether it is at least 0.5), else the answer."""
    count = _classes(answers)
    if count is None:
        return answers.ravel()
    return np.argmax(_two_columns(answers), axis=1)


def agreeing(original: np.ndarray, other: np.ndarray, *, classify: bool) -> np.ndarray:
    """For each row whether the answers agree; a broken one agrees with none.

    Args:
        original: answers of the original, a row each.
        other: those of the variant.
        classify: whether scores stand for the class of the largest.
    """
    if original.shape != other.shape:
        return np.zeros(len(original), dtype=bool)
    if classify:
        same = classes(original) == classes(other)
    elif original.dtype.kind == "f":
        spread = float(np.std(original[~broken(original)].astype(np.float64)))
        same = np.isclose(other.astype(np.float64), original.astype(np.float64), TOLERANCE, TOLERANCE * spread)
    else:
        same = original == other
    return _flat(same).all(axis=1) & ~broken(original) & ~broken(other)


def confusion(truth: np.ndarray, answers: np.ndarray) -> dict[str, object] | None:
    """Right classes down, answered ones across; None for more than 50 of them."""
    said = classes(answers)
    labels = sorted(set(truth.ravel().tolist()) | set(said.tolist()))
    if len(labels) > _MOST_CLASSES:
        return None
    counts = sk.confusion_matrix(truth.ravel(), said, labels=labels)
    return {"labels": [str(label) for label in labels], "counts": counts.tolist()}


def _classes(answers: np.ndarray) -> int | None:
    """How many classes scores are given for; None where the answer is the class itself."""
    return _two_columns(answers).shape[1] if answers.dtype.kind == "f" else None


def _two_columns(answers: np.ndarray) -> np.ndarray:
    """Scores with a column for each class; one score alone is that of class 1."""
    flat = _flat(answers)
    return np.column_stack((1 - flat, flat)) if flat.shape[1] == 1 else flat


def _scores(answers: np.ndarray) -> np.ndarray:
    scores = _two_columns(answers).astype(np.float64)
    sums = scores.sum(axis=1)
    worst = float(np.max(np.abs(sums - 1)))
    if worst > _SUM_TOLERANCE or scores.min() < 0:
        raise ValueError(f"scores of a row add up to {sums[int(np.argmax(np.abs(sums - 1)))]:.4g}, not to 1")
    return scores / sums[:, np.newaxis]


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), -1)
