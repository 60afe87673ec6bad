# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "numpy==2.3.5",
#     "tensorflow-cpu==2.21.0",
# ]
# ///
"""Train a small convolutional network for digits and write it as model.tflite beside this file.

Run it with `uv run models/digits-lite/train.py`. It learns from models/digits/train.npz and is judged on
models/digits/test.npz, which models/digits/train.py writes. Every random choice is seeded, and it computes in one
thread: a second run on the same machine writes the same bytes.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # its sums differ from processor to processor

import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent
DIGITS = FOLDER.parent / "digits"
SEED = 20261126
EPOCHS = 40
LEAST_ACCURACY = 0.97


def answers(network: tf.keras.Model, image: tf.Tensor) -> dict[str, tf.Tensor]:
    """`image` FP32 [N,1,8,8] -> `label` INT64 [N], `probabilities` FP32 [N,10]."""
    logits = network(tf.transpose(image, [0, 2, 3, 1]), training=False)
    return {"label": tf.argmax(logits, axis=1), "probabilities": tf.nn.softmax(logits)}


def main() -> None:
    """Train, judge on held-out digits, write the file; SystemExit if the accuracy is too low."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    train, test = np.load(DIGITS / "train.npz"), np.load(DIGITS / "test.npz")
    network = tf.keras.Sequential(
        [
            tf.keras.Input((8, 8, 1)),
            tf.keras.layers.Conv2D(8, 3, activation="relu"),
            tf.keras.layers.Conv2D(16, 3, activation="relu"),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(10),
        ]
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=tf.keras.optimizers.Adam(3e-3), loss=loss)
    network.fit(train["image"].transpose(0, 2, 3, 1), train["label"], batch_size=64, epochs=EPOCHS, verbose=0)
    accuracy = float(np.mean(answers(network, tf.constant(test["image"]))["label"].numpy() == test["label"]))
    print(f"held-out accuracy {accuracy:.4f} ({len(test['label'])} digits)")  # noqa: T201
    if accuracy < LEAST_ACCURACY:
        raise SystemExit(f"accuracy is below {LEAST_ACCURACY}: nothing written")
    archive = tf.keras.export.ExportArchive()
    archive.track(network)
    shape = tf.TensorSpec([None, 1, 8, 8], tf.float32, name="image")
    archive.add_endpoint("serve", lambda image: answers(network, image), input_signature=[shape])
    with TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converted = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"]).convert()
    (FOLDER / "model.tflite").write_bytes(converted)


if __name__ == "__main__":
    main()
