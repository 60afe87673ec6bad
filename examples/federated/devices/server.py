"""What runs beside the SuperLink: rounds of averaging, each judged on pictures that no device has."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord
from flwr.app.user_config import UserConfig
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from devices.learning import accuracy, untrained

DEVICES = 3
ROUND_LIMIT_S = 120

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run `rounds`; write `weights.npz` and `rounds.json` (accuracy after each) into `out`, or `failed.txt`."""
    try:
        _learn(grid, context.run_config)
    except Exception as error:
        # Flower tells nobody outside why an application ended.
        (Path(str(context.run_config["out"])) / "failed.txt").write_text(f"{type(error).__name__}: {error}\n")
        raise


def _learn(grid: Grid, config: UserConfig) -> None:
    out = Path(str(config["out"]))
    with np.load(str(config["test"]), allow_pickle=False) as rows:
        pixels, labels = rows["image"].reshape(len(rows["label"]), -1), rows["label"]
    accuracies: list[float] = []

    def judged(_: int, arrays: ArrayRecord) -> MetricRecord:
        accuracies.append(accuracy(arrays.to_numpy_ndarrays(), pixels, labels))
        return MetricRecord({"accuracy": accuracies[-1]})

    result = _Averaged(fraction_evaluate=0, min_train_nodes=DEVICES, min_available_nodes=DEVICES).start(
        grid,
        ArrayRecord([weight.astype(np.float32) for weight in untrained()]),
        num_rounds=int(config["rounds"]),
        timeout=ROUND_LIMIT_S,
        evaluate_fn=judged,
    )
    np.savez(out / "weights.npz", *result.arrays.to_numpy_ndarrays())
    (out / "rounds.json").write_text(json.dumps(accuracies))


class _Averaged(FedAvg):
    """FedAvg (McMahan et al., arXiv:1602.05629) that goes on only with all devices."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Average the weights of one round.

        Raises:
            RuntimeError: fewer than all devices answered: the average would be another model.
        """
        replies = list(replies)
        failed = [reply.error.reason for reply in replies if reply.has_error()]
        answered = len(replies) - len(failed)
        if answered < DEVICES:
            why = f"; the first that did not: {failed[0]}" if failed else f" within {ROUND_LIMIT_S} s"
            raise RuntimeError(f"round {server_round}: {answered} of {DEVICES} devices answered{why}")
        return super().aggregate_train(server_round, replies)
