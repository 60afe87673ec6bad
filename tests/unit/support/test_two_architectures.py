"""How answers of two images are held against each other in `make soak`."""

import numpy as np

from tests.soak.architectures import difference

LABELS = np.array([7, 3])
SHARES = np.array([0.25, 0.75], np.float32)


def test_the_largest_difference_of_numbers_counts() -> None:
    other = {"label": LABELS, "shares": SHARES + np.array([0, 2**-20], np.float32)}
    assert difference({"label": LABELS, "shares": SHARES}, other) == 2**-20


def test_another_label_or_shape_is_never_alike() -> None:
    assert difference({"label": LABELS}, {"label": np.array([7, 4])}) == float("inf")
    assert difference({"shares": SHARES}, {"shares": SHARES[:1]}) == float("inf")
