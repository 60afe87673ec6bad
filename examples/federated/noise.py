"""Print what noise costs: the same learning with none, with that of the example and with twice as much, in one process.

cd examples/federated && uv run --locked python noise.py
"""

import tempfile
from pathlib import Path

import numpy as np
from devices import learning
from train import DATA, ROUNDS, Rows, epsilon, rows_of, split

RUNS = 6


def main() -> None:
    """Print for each noise the bound, and the accuracies of some runs, least first."""
    test = rows_of(DATA / "test.npz")
    with tempfile.TemporaryDirectory(prefix="federated-") as folder:
        devices = [rows_of(device / "rows.npz") for device in split(Path(folder))]
    for noise in (0.0, 4.0, 8.0):
        learning.NOISE = noise
        found = " ".join(f"{value:.4f}" for value in sorted(learnt(devices, test) for _ in range(RUNS)))
        bound = f"{epsilon(ROUNDS * learning.STEPS, noise):.2f}" if noise else "none"
        print(f"noise {noise:g}  epsilon {bound}  accuracy {found}")  # noqa: T201


def learnt(devices: list[Rows], test: Rows) -> float:
    """The accuracy of one run of the rounds."""
    weights, chance = learning.untrained(), np.random.default_rng()
    for _ in range(ROUNDS):
        answers = []
        for pixels, labels in devices:
            own = weights
            for _ in range(learning.STEPS):
                own = learning.private_step(own, pixels, labels, chance)
            answers.append(own)
        weights = [np.mean(each, axis=0) for each in zip(*answers, strict=True)]
    return learning.accuracy(weights, *test)


if __name__ == "__main__":
    main()
