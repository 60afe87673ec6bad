"""Missing values, infinities and arrays without values become arrays, or are refused in words."""

import numpy as np
import pytest
from signatures import vector
from slipway_server.errors import BadRequest
from slipway_server.request import parse_predict
from slipway_server.signature import Signature, Tensor


def refused(body: object, signature: Signature) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_predict(body, signature)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["FP16", "FP32", "FP64"])
def test_null_is_nan_and_the_infinities_have_words(dtype: str) -> None:
    array = parse_predict([1.5, None, "Infinity", "-Infinity", 2], vector(dtype))["x"]
    np.testing.assert_array_equal(array, [1.5, np.nan, np.inf, -np.inf, 2])


def test_an_overflow_beside_the_word_for_infinity_is_still_named() -> None:
    assert "`input[2]` is 1e+39" in refused({"input": ["Infinity", None, 1e39]}, vector("FP32"))


@pytest.mark.parametrize(
    ("shape", "value", "whole"),
    [
        ((None,), [], (0,)),
        ((None, 2), [], (0, 2)),
        ((None, None), [[], []], (2, 0)),
        ((None, None, 4, 5), [[]], (1, 0, 4, 5)),
        ((1, None, 4), [[]], (1, 0, 4)),
        ((0, 2), [], (0, 2)),
    ],
)
def test_empty_lists_have_the_shape_that_the_model_gives_them(
    shape: tuple[int | None, ...], value: object, whole: tuple[int, ...]
) -> None:
    array = parse_predict(value, Signature((Tensor("x", "INT64", shape),), (), {}))["x"]
    assert (array.shape, array.dtype) == (whole, np.int64)


@pytest.mark.parametrize(
    ("shape", "value", "part"),
    [
        (
            (None, None),
            [],
            'as in a V2 request: {"inputs": [{"name": "x", "datatype": "FP32", "shape": [...], "d',
        ),
        ((3, 2), [], "has the shape [0, 2]"),
        ((), [], "has the shape [0]"),
        ((None, 2), [[]], "has the shape [1, 0]"),
        ((0, 2), [[1, 2]], "has the shape [1, 2]"),
    ],
)
def test_an_empty_list_that_does_not_fit_or_leaves_sizes_open_is_refused(
    shape: tuple[int | None, ...], value: object, part: str
) -> None:
    assert part in refused({"inputs": {"x": value}}, Signature((Tensor("x", "FP32", shape),), (), {}))
