# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "numpy==2.4.6",
#     "onnx==1.23.2",
#     "onnxruntime==1.31.1",
#     "scikit-learn==1.8.0",
# ]
# ///
"""Make a convolutional network on digits: model.onnx, calibration.npz and test.npz in a folder.

    uv run docs/how-to/quantise/convolutions.py CHANNELS SIDE FOLDER

Five 3x3 convolutions draw features, whose filters are random and stay so; a layer behind them is trained by
scikit-learn. It takes seconds to make, is right about 98 images in 100, and can have any size:
CHANNELS of the first convolution (a multiple of 8), SIDE of the image in pixels (a multiple of 16).
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

SEED = 20261126
LAYERS = ((1, 1), (2, 2), (2, 1), (4, 2), (4, 1))
"""Of each convolution: its channels as a multiple of the first one's, and its stride."""
CELLS = 4  # along each side: features are averages over so many parts of the image
CALIBRATION_ROWS = 100
ROWS_AT_ONCE = 32

Floats = NDArray[np.float32]


def main() -> None:
    """Make the network that the arguments ask for, and say how often it is right."""
    channels, side, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    images = np.kron((digits.images / 16)[:, np.newaxis], np.ones((side // 8, side // 8))).astype(np.float32)
    train, test, train_y, test_y = train_test_split(
        images, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target
    )
    nodes, weights, count = features(channels, side)
    value = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", count])
    drawn = run(graph(nodes, weights, [value], side), train)
    # One scale for all features: one of their own each would need large weights where a feature hardly varies, and
    # those carry the rounding of eight bits into the answer.
    centre, spread = float(drawn.mean()), float(drawn.std()) * 10
    last = LogisticRegression(max_iter=300, C=10).fit((drawn - centre) / spread, train_y)
    weights |= {
        "last_w": (last.coef_ / spread).T.astype(np.float32),
        "last_b": (last.intercept_ - last.coef_.sum(axis=1) * centre / spread).astype(np.float32),
    }
    nodes += [
        helper.make_node("Gemm", ["features", "last_w", "last_b"], ["logits"], "last"),
        helper.make_node("ArgMax", ["logits"], ["label"], "label", axis=1, keepdims=0),
    ]
    label = helper.make_tensor_value_info("label", TensorProto.INT64, ["N"])
    model = graph(nodes, weights, [label], side)
    onnx.save(model, folder / "model.onnx")
    np.savez_compressed(folder / "calibration.npz", image=train[:CALIBRATION_ROWS])
    np.savez_compressed(folder / "test.npz", image=test, label=test_y.astype(np.int64))
    print(f"{channels} channels, {side}x{side}: {np.mean(run(model, test) == test_y):.4f} right of {len(test_y)}")  # noqa: T201


def features(channels: int, side: int) -> tuple[list[NodeProto], dict[str, Floats], int]:
    """The nodes up to `features`, their weights, and how many features there are."""
    draw = np.random.default_rng(SEED).normal
    nodes, weights, taken, before = [], {}, "image", 1
    for index, (times, stride) in enumerate(LAYERS):
        given = channels * times
        # He initialisation (arXiv:1502.01852): the spread of values stays the same from layer to layer.
        weights[f"w{index}"] = draw(0, np.sqrt(2 / (9 * before)), (given, before, 3, 3)).astype(np.float32)
        nodes += [
            helper.make_node(
                "Conv", [taken, f"w{index}"], [f"conv{index}"], f"conv{index}", strides=[stride] * 2, pads=[1] * 4
            ),
            helper.make_node("Relu", [f"conv{index}"], [f"active{index}"], f"relu{index}"),
        ]
        taken, before = f"active{index}", given
    part = side // 4 // CELLS
    nodes += [
        helper.make_node("AveragePool", [taken], ["means"], "pool", kernel_shape=[part] * 2, strides=[part] * 2),
        helper.make_node("Flatten", ["means"], ["features"], "flat"),
    ]
    return nodes, weights, before * CELLS**2


def graph(
    nodes: list[NodeProto], weights: dict[str, Floats], gives: list[ValueInfoProto], side: int
) -> onnx.ModelProto:
    """A model that takes `image` FP32 [N, 1, side, side]."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, side, side])
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    made = helper.make_graph(nodes, "convolutions", [image], gives, tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, images: Floats) -> NDArray[np.generic]:
    """What the model gives for images."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    parts = range(0, len(images), ROWS_AT_ONCE)
    return np.concatenate([session.run(None, {"image": images[at : at + ROWS_AT_ONCE]})[0] for at in parts])


if __name__ == "__main__":
    main()
