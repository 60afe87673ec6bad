# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "numpy==2.3.5",
#     "onnx==1.19.1",
#     "pillow==12.0.0",
#     "scikit-learn==1.7.2",
# ]
# ///
"""Train the digits model; write model.onnx, check.json, seven.png, test.npz and calib.npz beside this file.

Run it with `uv run models/digits/train.py`. The data come with scikit-learn (1,797 handwritten digits, 8x8
grey, values 0..16). Every random choice is seeded: a second run on the same machine writes the same bytes.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

FOLDER = Path(__file__).parent
SEED = 20261121
LEAST_ACCURACY = 0.97
# The served file must load in every ONNX Runtime since 1.16: no newer opset than the operators need.
OPSET = 17
IR_VERSION = 8
SAMPLE_DIGIT = 7
CALIBRATION_ROWS = 200


def main() -> None:
    """Train, judge on held-out digits, write the files; SystemExit if the accuracy is too low."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, np.newaxis]
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target
    )
    classifier = MLPClassifier(hidden_layer_sizes=(128,), alpha=1e-2, max_iter=300, random_state=SEED)
    classifier.fit(train_x.reshape(len(train_x), -1), train_y)
    accuracy = classifier.score(test_x.reshape(len(test_x), -1), test_y)
    print(f"held-out accuracy {accuracy:.4f} ({len(test_y)} digits, {len(train_y)} trained on)")  # noqa: T201
    if accuracy < LEAST_ACCURACY:
        raise SystemExit(f"accuracy is below {LEAST_ACCURACY}: nothing written")
    model = to_onnx(classifier, accuracy)
    onnx.checker.check_model(model, full_check=True)
    (FOLDER / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    write_sample(test_x[np.flatnonzero(test_y == SAMPLE_DIGIT)[0]])
    # What `accept` judges with was never trained on; what a static quantizer learns its ranges from was.
    write_rows("test.npz", test_x, test_y)
    write_rows("calib.npz", train_x[:CALIBRATION_ROWS], train_y[:CALIBRATION_ROWS])


def to_onnx(classifier: MLPClassifier, accuracy: float) -> onnx.ModelProto:
    """Return the network as a graph: `image` FP32 [N,1,8,8] -> `label` INT64 [N], `probabilities` FP32 [N,10]."""
    (hidden_w, out_w), (hidden_b, out_b) = classifier.coefs_, classifier.intercepts_
    weights = {"hidden_w": hidden_w, "hidden_b": hidden_b, "out_w": out_w, "out_b": out_b}
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "hidden_w", "hidden_b"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "out_w", "out_b"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
            helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
        ],
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10]),
        ],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="slipway models/digits/train.py",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    # Keys and values of ONNX docs/MetadataProps.md: how a picture becomes `image`.
    helper.set_model_props(
        model,
        {
            "Image.BitmapPixelFormat": "Gray8",
            "Image.NominalPixelRange": "Normalized_0_1",
            "held_out_accuracy": f"{accuracy:.4f}",
        },
    )
    return model


def write_sample(sample: np.ndarray) -> None:
    """Write one held-out digit, shape [1,8,8] in 0..1, as the golden request and as a picture for `curl -F`."""
    body = {"inputs": {"image": [[[[float(v) for v in row] for row in rows] for rows in sample]]}}
    (FOLDER / "check.json").write_text(json.dumps(body) + "\n")
    Image.fromarray(np.rint(sample[0] * 255).astype(np.uint8)).save(FOLDER / "seven.png")


def write_rows(name: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Write a dataset: arrays by the names of the model's input and output, rows first, without pickles."""
    np.savez_compressed(FOLDER / name, image=images, label=labels.astype(np.int64))


if __name__ == "__main__":
    main()
