"""A linear model of ten digits, and steps of gradient descent that keep each picture private (DP-SGD).

Abadi et al., "Deep Learning with Differential Privacy", arXiv:1607.00133, algorithm 1: rows are drawn by chance, the
gradient of each row is cut to a length, noise of that length is added to their sum.
"""

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PIXELS, DIGITS = 64, 10
DRAWN = 0.25
"""By chance each row is in a step or not, with this probability."""
LENGTH = 0.5
"""To this the gradient of a row is cut, Euclidean norm over all weights."""
NOISE = 4.0
"""Standard deviation of the noise, in LENGTHs."""
ROWS = 450
"""About what a device has. A sum is divided by this, not by the device's own number, which would tell of its rows."""
RATE = 2.0
STEPS = 20
"""Of each round."""
Weights = list[NDArray[np.float64]]


def untrained() -> Weights:
    """Weights [64, 10] and biases [10], all zero: what every device begins with."""
    return [np.zeros((PIXELS, DIGITS)), np.zeros(DIGITS)]


def probabilities(weights: Weights, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of rows of `pixels` [N, 64] in 0..1: [N, 10]."""
    logits = pixels @ weights[0] + weights[1]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def accuracy(weights: Weights, pixels: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The share of rows that are answered rightly."""
    return float((probabilities(weights, pixels).argmax(axis=1) == labels).mean())


def private_step(
    weights: Weights, pixels: NDArray[np.float64], labels: NDArray[np.int64], chance: np.random.Generator
) -> Weights:
    """Return the weights after one step; `pixels` [N, 64], `labels` [N].

    The gradient of a row is the outer product of its pixels and its error, so that its norm is that of both multiplied:
    no gradient of a single row is ever made.
    """
    drawn = chance.random(len(labels)) < DRAWN
    rows = pixels[drawn]
    error = probabilities(weights, rows) - np.eye(DIGITS)[labels[drawn]]
    norms = np.sqrt((rows**2).sum(axis=1) + 1) * np.sqrt((error**2).sum(axis=1))
    error *= np.minimum(1, LENGTH / np.maximum(norms, 1e-12))[:, np.newaxis]
    sums = [rows.T @ error, error.sum(axis=0)]
    return [
        weight - RATE * (total + chance.normal(0, NOISE * LENGTH, weight.shape)) / (DRAWN * ROWS)
        for weight, total in zip(weights, sums, strict=True)
    ]


class Spent:
    """How many steps a device has taken on its data, in a file: what is asked beyond `most` is refused."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most

    def take(self, steps: int) -> None:
        """Write the steps down before they are taken: a device that dies in between has spent them.

        Raises:
            PermissionError: they would be more than the device gives.
        """
        before = json.loads(self._path.read_text())["steps"] if self._path.exists() else 0
        if before + steps > self._most:
            raise PermissionError(
                f"{self._path}: {before} steps were taken and {steps} more asked for; allowed: {self._most}"
            )
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump({"steps": before + steps}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
