"""Candidates for digits: one or two hidden layers of some size, trained by scikit-learn.

optimize: [{search: models/digits/search.py, trials: 20, data: models/digits/train.npz, min: 0.97}]
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPClassifier

OPSET = 17
IR_VERSION = 8
DIGITS = 10


def candidate(
    trial: "optuna.Trial",  # noqa: F821 - of the tools that run this
    inputs: dict[str, np.ndarray],
    right: dict[str, np.ndarray],
    seed: int,
) -> onnx.ModelProto:
    """Train what the trial chooses: `image` FP32 [N,1,8,8] -> `label` INT64 [N], `probabilities` FP32 [N,10]."""
    sizes = [trial.suggest_int("neurons", 4, 64, log=True)]
    if trial.suggest_int("layers", 1, 2) == 2:
        sizes.append(trial.suggest_int("second", 4, 32, log=True))
    decay = trial.suggest_float("decay", 1e-4, 1e-1, log=True)
    pixels = inputs["image"].reshape(len(inputs["image"]), -1)
    network = MLPClassifier(hidden_layer_sizes=sizes, alpha=decay, max_iter=200, random_state=seed)
    return _graph(network.fit(pixels, right["label"]))


def _graph(network: MLPClassifier) -> onnx.ModelProto:
    nodes = [helper.make_node("Flatten", ["image"], ["x0"])]
    weights = {}
    for layer, (weight, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        weights |= {f"w{layer}": weight, f"b{layer}": bias}
        last = layer == len(network.coefs_) - 1
        sums = "logits" if last else f"sums{layer}"
        nodes.append(helper.make_node("Gemm", [f"x{layer}", f"w{layer}", f"b{layer}"], [sums]))
        if not last:
            nodes.append(helper.make_node("Relu", [sums], [f"x{layer + 1}"]))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    nodes.append(helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", DIGITS]),
        ],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
