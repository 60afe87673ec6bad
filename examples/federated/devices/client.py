"""What runs on a device: it learns on its own pictures, and answers with weights."""

from pathlib import Path

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from devices.learning import STEPS, Spent, private_step

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """Take a round's steps; answer with the weights, and with nothing else that depends on the pictures.

    `folder` of the node's configuration has `rows.npz`; `steps`: how many it gives in all.
    """
    folder = Path(str(context.node_config["folder"]))
    Spent(folder / "spent.json", int(context.node_config["steps"])).take(STEPS)
    with np.load(folder / "rows.npz", allow_pickle=False) as rows:
        pixels = rows["image"].reshape(len(rows["label"]), -1).astype(np.float64)
        labels = rows["label"]
    # From the system's entropy: whoever knew a seed could take the noise off again.
    chance = np.random.default_rng()
    weights = message.content["arrays"].to_numpy_ndarrays()
    for _ in range(STEPS):
        weights = private_step(weights, pixels, labels, chance)
    sent = [weight.astype(np.float32) for weight in weights]
    # For whoever looks for it in what went over the wire (train.py).
    np.savez(folder / "sent.npz", *sent)
    # Each device counts the same: how many pictures it has is no one's business.
    told = {"arrays": ArrayRecord(sent), "metrics": MetricRecord({"num-examples": 1})}
    return Message(content=RecordDict(told), reply_to=message)
