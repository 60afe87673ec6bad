"""Train the federated model; write model.onnx, check.json and what was measured beside this file.

    make federated

Three devices have the pictures of models/digits/train.npz between them, and none of them has all ten digits. Each
learns in processes of its own and sends weights, with noise that hides every single picture; Flower averages them.
Then what passed between each device and the SuperLink is searched for pictures.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from devices.learning import DIGITS, DRAWN, NOISE, STEPS, Weights, accuracy, private_step, probabilities, untrained
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
from dp_accounting.rdp import RdpAccountant
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from processes import run
from wire import Wire

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "models/digits"
MISSING = {"box-1": (0, 1, 2), "box-2": (3, 4, 5), "box-3": (6, 7, 8)}
"""Devices, and the digits that they have never seen."""
SPLIT_SEED = 20261127
ROUNDS = 10
DELTA = 1e-4
"""Chance that the bound does not hold; below one over the rows of a device."""
# Orders of Rényi divergence that the bound is looked for among: whole ones, for which it is exact (arXiv:1908.10530).
ORDERS = tuple(range(2, 129))
OPSET, IR_VERSION = 17, 8
SAMPLE_DIGIT = 7
Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


def main() -> None:
    """Split, learn, look at the wire, write; SystemExit when a row was found on it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    arguments.add_argument("--out", type=Path, default=HERE, help="folder that takes the files")
    asked = arguments.parse_args()
    # As Ctrl-C does, a request to end takes Flower's programs along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before all rounds were run"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="federated-") as folder:
        work = Path(folder)
        devices = split(work)
        settings = {"rounds": asked.rounds, "out": str(work), "test": str(DATA / "test.npz")}
        wires = run(devices, asked.rounds * STEPS, work, settings)
        accuracies = json.loads((work / "rounds.json").read_text())
        with np.load(work / "weights.npz") as held:
            weights = list(held.values())
        test = rows_of(DATA / "test.npz")
        report = {
            "accuracy": [round(value, 4) for value in accuracies],
            "epsilon": round(epsilon(asked.rounds * STEPS), 2),
            "delta": DELTA,
            "seconds": round(time.monotonic() - began),
            "devices": {device.name: measured(device, wire, test) for device, wire in zip(devices, wires, strict=True)},
        }
    write(weights, accuracies[-1], asked.out, test)
    text = json.dumps(report, indent=2)
    (asked.out / "measured.json").write_text(text + "\n")
    print(text)  # noqa: T201
    found = {name: told["rows_on_the_wire"] for name, told in report["devices"].items() if told["rows_on_the_wire"]}
    if found:
        raise SystemExit(f"rows of data were found on the wire: {found}")


def rows_of(path: Path) -> Rows:
    """Pixels [N, 64] and labels [N]."""
    with np.load(path, allow_pickle=False) as held:
        return held["image"].reshape(len(held["label"]), -1).astype(np.float64), held["label"]


def split(work: Path) -> list[Path]:
    """Give each device a folder with its rows, for its owner alone; each row is on one device only."""
    with np.load(DATA / "train.npz", allow_pickle=False) as held:
        images, labels = held["image"], held["label"]
    chance = np.random.default_rng(SPLIT_SEED)
    owner = np.empty(len(labels), dtype=np.int64)
    for digit in range(DIGITS):
        rows = chance.permutation(np.flatnonzero(labels == digit))
        may = [place for place, missing in enumerate(MISSING.values()) if digit not in missing]
        owner[rows] = np.resize(may, len(rows))
    folders = []
    for place, name in enumerate(MISSING):
        folder = work / name
        folder.mkdir(mode=0o700)
        np.savez(folder / "rows.npz", image=images[owner == place], label=labels[owner == place])
        folders.append(folder)
    return folders


def epsilon(steps: int, noise: float = NOISE) -> float:
    """The bound on what `steps` with this noise tell of one picture of a device, at DELTA.

    Neighbours are data sets that differ by one picture. A picture is on one device, so that the bound of one device is
    that of all. It holds against everyone who sees what a device sends, the SuperLink among them.
    """
    accountant = RdpAccountant(ORDERS)
    accountant.compose(PoissonSampledDpEvent(DRAWN, GaussianDpEvent(noise)), steps)
    return float(accountant.get_epsilon(DELTA))


def measured(device: Path, wire: Wire, test: Rows) -> dict[str, object]:
    """What a device has, what it sent and got, and how good it would be alone, at the same noise and steps."""
    pixels, labels = rows_of(device / "rows.npz")
    with np.load(device / "sent.npz") as held:
        last = list(held.values())
    sent = bytes(wire.sent)
    return {
        "rows": len(labels),
        "digits": sorted({int(label) for label in labels}),
        "data_bytes": (device / "rows.npz").stat().st_size,
        "sent_bytes": len(sent),
        "received_bytes": len(wire.received),
        # The control of the search: the last weights have to be found, or nothing could have been.
        "weights_on_the_wire": all(weight.tobytes() in sent for weight in last),
        "rows_on_the_wire": sum(any(form in sent for form in forms(row)) for row in pixels),
        "alone": round(alone(pixels, labels, json.loads((device / "spent.json").read_text())["steps"], test), 4),
    }


def forms(row: NDArray[np.float64]) -> list[bytes]:
    """The bytes that a picture would have, in each type that it is ever held in."""
    whole = np.rint(row * 16)
    return [row.tobytes(), row.astype(np.float32).tobytes(), whole.astype(np.uint8).tobytes()]


def alone(
    pixels: NDArray[np.float64],
    labels: NDArray[np.int64],
    steps: int,
    test: Rows,
) -> float:
    """Accuracy of a device that learns without the others."""
    weights, chance = untrained(), np.random.default_rng()
    for _ in range(steps):
        weights = private_step(weights, pixels, labels, chance)
    return accuracy(weights, *test)


def write(weights: Weights, held_out: float, out: Path, test: Rows) -> None:
    """Write the model and a golden request.

    The graph: `image` FP32 [N,1,8,8] -> `label` INT64 [N], `probabilities` FP32 [N,10].
    """
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "weights", "biases"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
            helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
        ],
        "federated",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", DIGITS]),
        ],
        [
            numpy_helper.from_array(array.astype(np.float32), name)
            for array, name in zip(weights, ("weights", "biases"), strict=True)
        ],
    )
    model = helper.make_model(
        graph,
        producer_name="slipway examples/federated/train.py",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(
        model,
        {
            "Image.BitmapPixelFormat": "Gray8",
            "Image.NominalPixelRange": "Normalized_0_1",
            "held_out_accuracy": f"{held_out:.4f}",
        },
    )
    onnx.checker.check_model(model, full_check=True)
    (out / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    sevens = np.flatnonzero(test[1] == SAMPLE_DIGIT)
    surest = sevens[probabilities(weights, test[0][sevens])[:, SAMPLE_DIGIT].argmax()]
    picture = test[0][surest].reshape(1, 1, 8, 8).tolist()
    (out / "check.json").write_text(json.dumps({"inputs": {"image": picture}}) + "\n")


if __name__ == "__main__":
    main()
