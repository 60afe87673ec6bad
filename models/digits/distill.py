"""A student for digits: a quarter of the teacher's neurons, trained on the teacher's probabilities and on labels.

    optimize: [{distill: models/digits/distill.py, teacher: models/digits/model.onnx, alpha: 0.5, data: PATH.npz}]

A probability is learnt as the weight of an example: each row stands once for every digit, and counts as much as the
blend of teacher and label gives that digit (Hinton, Vinyals and Dean, arXiv:1503.02531, at temperature 1).
"""

import numpy as np
import onnx
from onnx import TensorProto, compose, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.neural_network import MLPClassifier

NEURONS = 32
OPSET = 17
IR_VERSION = 8
LEAST_WEIGHT = 1e-3
DIGITS = np.arange(10)


def student(
    inputs: dict[str, np.ndarray],
    right: dict[str, np.ndarray],
    teacher: dict[str, np.ndarray],
    alpha: float,
    seed: int,
) -> onnx.ModelProto:
    """Train the student: `image` FP32 [N,1,8,8] -> `label` INT64 [N], `probabilities` FP32 [N,10].

    `alpha` of each target comes from the teacher's probabilities, the rest from the right label.
    """
    pixels = inputs["image"].reshape(len(inputs["image"]), -1)
    targets = alpha * teacher["probabilities"] + (1 - alpha) * np.eye(10)[right["label"]]
    rows, digits = np.nonzero(targets > LEAST_WEIGHT)
    network = MLPClassifier(hidden_layer_sizes=(NEURONS,), alpha=1e-2, max_iter=300, random_state=seed)
    network.fit(pixels[rows], DIGITS[digits], sample_weight=targets[rows, digits])
    graph = to_onnx(
        network,
        initial_types=[("pixels", FloatTensorType([None, 64]))],
        options={id(network): {"zipmap": False}},
        target_opset=OPSET,
    )
    graph.ir_version = IR_VERSION
    flat = helper.make_model(
        helper.make_graph(
            [helper.make_node("Flatten", ["image"], ["flat"])],
            "digits",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
            [helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["N", 64])],
        ),
        opset_imports=graph.opset_import,
        ir_version=IR_VERSION,
    )
    return compose.merge_models(flat, graph, io_map=[("flat", "pixels")])
