# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "numpy==2.3.5",
#     "onnx==1.19.1",
#     "scikit-learn==1.7.2",
# ]
# ///
"""Train a recommender by matrix factorisation; write model.onnx, check.json and test.npz beside this file.

Run it with `uv run examples/recommender/train.py`. The ratings are made up here, 1 to 5 stars by 600 people for 400
items, each of both with hidden tastes; every random choice is seeded: a second run on the same machine writes the
same bytes. Users and items are numbered from 0.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

FOLDER = Path(__file__).parent
SEED = 20261126
USERS, ITEMS, TASTES = 600, 400, 6
RATED_SHARE = 0.15
NOISE_STARS = 0.4
FACTORS, ROUNDS, STRENGTH = 8, 12, 2.0
LARGEST_RMSE = 0.6
BEST = 10
# The served file must load in every ONNX Runtime since 1.16: no newer opset than the operators need.
OPSET = 17
IR_VERSION = 8


def main() -> None:
    """Make ratings, factorise, judge on held-out ratings, write the files; SystemExit if the error is too large."""
    random = np.random.default_rng(SEED)
    pairs, stars = ratings(random)
    train, test, train_stars, test_stars = train_test_split(pairs, stars, test_size=0.1, random_state=SEED)
    mean = float(train_stars.mean())
    users, items = factorise(train, train_stars - mean, random)
    said = mean + np.sum(users[test[:, 0]] * items[test[:, 1]], axis=1)
    rmse = root_mean_squared_error(test_stars, said)
    print(f"held-out RMSE {rmse:.3f} stars ({len(test)} ratings, {len(train)} trained on)")  # noqa: T201
    if rmse > LARGEST_RMSE:
        raise SystemExit(f"RMSE is above {LARGEST_RMSE}: nothing written")
    model = to_onnx(users, items, mean)
    onnx.checker.check_model(model, full_check=True)
    (FOLDER / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    (FOLDER / "check.json").write_text(json.dumps({"inputs": {"user": [7], "items": [[3, 14, 15]]}}) + "\n")
    rows = {"user": test[:, 0], "items": test[:, 1:], "scores": test_stars[:, np.newaxis].astype(np.float32)}
    np.savez_compressed(FOLDER / "test.npz", **rows)


def ratings(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return who rated what, INT64 [R,2], and the stars, 1 to 5 in halves, [R]."""
    taste = random.normal(0, 0.6, (USERS, TASTES)) @ random.normal(0, 0.6, (TASTES, ITEMS))
    liked = 3.2 + random.normal(0, 0.3, (USERS, 1)) + random.normal(0, 0.4, (1, ITEMS)) + taste
    pairs = np.argwhere(random.random((USERS, ITEMS)) < RATED_SHARE)
    stars = liked[pairs[:, 0], pairs[:, 1]] + random.normal(0, NOISE_STARS, len(pairs))
    return pairs, np.clip(np.rint(stars * 2) / 2, 1, 5)


def factorise(pairs: np.ndarray, stars: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors of users and items by alternating ridge regression, [USERS,F+2] and [ITEMS,F+2].

    The last two numbers are the bias of the one and a constant 1 for that of the other.
    """
    users = random.normal(0, 0.1, (USERS, FACTORS + 2))
    items = random.normal(0, 0.1, (ITEMS, FACTORS + 2))
    users[:, -1] = items[:, -2] = 1
    for _ in range(ROUNDS):
        solve(users, items, pairs, stars, constant=-1)
        solve(items, users, pairs[:, ::-1], stars, constant=-2)
    return users, items


def solve(own: np.ndarray, other: np.ndarray, pairs: np.ndarray, stars: np.ndarray, constant: int) -> None:
    """Fit the vectors of one side while those of the other stay; `constant` is the number that stays 1."""
    free = np.arange(own.shape[1]) != constant % own.shape[1]
    for index in range(len(own)):
        rated = pairs[:, 0] == index
        if rated.any():
            given = other[pairs[rated, 1]]
            ridge = Ridge(alpha=STRENGTH, fit_intercept=False).fit(given[:, free], stars[rated] - given[:, constant])
            own[index, free] = ridge.coef_


def to_onnx(users: np.ndarray, items: np.ndarray, mean: float) -> onnx.ModelProto:
    """Return the graph: `user` INT64 [N], `items` INT64 [N,K] -> `scores` FP32 [N,K], `best` INT64 [N,10].

    `scores` are stars for the items that were asked about, `best` the ten items that the user would like most.
    """
    weights = {
        "users": users.astype(np.float32),
        "items_t": items.T.astype(np.float32).copy(),
        "mean": np.float32(mean),
        "ten": np.array([BEST], dtype=np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["users", "user"], ["vector"], axis=0),
            helper.make_node("MatMul", ["vector", "items_t"], ["liking"]),
            helper.make_node("Add", ["liking", "mean"], ["stars"]),
            helper.make_node("GatherElements", ["stars", "items"], ["scores"], axis=1),
            helper.make_node("TopK", ["stars", "ten"], ["most", "best"], axis=1),
        ],
        "recommender",
        [
            helper.make_tensor_value_info("user", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("items", TensorProto.INT64, ["N", "K"]),
        ],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", "K"]),
            helper.make_tensor_value_info("best", TensorProto.INT64, ["N", BEST]),
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    return helper.make_model(
        graph,
        producer_name="slipway examples/recommender/train.py",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )


if __name__ == "__main__":
    main()
