"""Train a convolutional network on digits with Keras and save it; run in the environment of tools/tensorflow.

python tensorflow.py TRAIN.npz FOLDER
"""

import sys
from pathlib import Path

import keras
import numpy as np

SEED = 20261126

keras.utils.set_random_seed(SEED)
train, to = np.load(sys.argv[1]), Path(sys.argv[2])
x, y = train["image"].reshape(-1, 8, 8, 1), train["label"]
model = keras.Sequential(
    [
        keras.Input((8, 8, 1), name="image"),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax", name="probabilities"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=32, epochs=40, verbose=0)
model.save(to / "digits.keras")
