"""Train digits with scikit-learn and LightGBM, and save them as they are; run in the environment of tools/trees.

python trees.py TRAIN.npz FOLDER
"""

import sys
from pathlib import Path

import lightgbm
import numpy as np
import skops.io
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 20261126

train, to = np.load(sys.argv[1]), Path(sys.argv[2])
x, y = train["image"].reshape(len(train["image"]), -1), train["label"]
network = MLPClassifier((128,), alpha=1e-2, max_iter=300, random_state=SEED)
skops.io.dump(make_pipeline(StandardScaler(), network).fit(x, y), to / "digits.skops")
settings = {"objective": "multiclass", "num_class": 10, "verbosity": -1, "seed": SEED, "deterministic": True}
lightgbm.train(settings, lightgbm.Dataset(x, y), 60).save_model(to / "digits.txt")
