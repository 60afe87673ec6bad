"""Missing values, infinities, arrays without values and tensors as bytes become arrays, or are refused in words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signatures import vector
from slipway_server.binary import from_binary, to_binary
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


def test_inputs_may_be_named_as_in_a_v2_request() -> None:
    signature = Signature((Tensor("x", "FP32", (None, None)), Tensor("n", "INT64", ())), (), {})
    x = {"name": "x", "datatype": "FP32", "shape": [3, 0], "data": []}
    n = {"name": "n", "datatype": "INT64", "shape": [], "data": [7]}
    arrays = parse_predict({"inputs": [n, x]}, signature)
    assert (arrays["x"].shape, arrays["n"].tolist()) == ((3, 0), 7)
    assert "`inputs.n` is missing" in refused({"inputs": [x]}, signature)
    assert "allowed: sizes beside 0 of at most 65536" in refused({"inputs": [n, {**x, "shape": [10**9, 0]}]}, signature)


def one(dtype: str) -> Tensor:
    return vector(dtype).inputs[0]


@settings(max_examples=500, deadline=None)
@given(texts=st.lists(st.text(), max_size=20))
def test_texts_come_back_from_bytes_as_they_went_in(texts: list[str]) -> None:
    array = np.array([*texts, None], dtype=np.object_)[:-1]
    back = from_binary(memoryview(to_binary(array)), (len(texts),), one("BYTES"), "x")
    assert back.tolist() == texts


@settings(max_examples=1000, deadline=None)
@given(
    data=st.binary(max_size=40) | st.lists(st.sampled_from([b"\0\0\0\0", b"\1\0\0\0a", b"\xff"])).map(b"".join),
    offset=st.integers(0, 3),
    dtype=st.sampled_from(["FP16", "FP32", "FP64", "INT64", "UINT8", "BOOL", "BYTES"]),
    shape=st.lists(st.integers(0, 5), max_size=3).map(tuple),
)
def test_any_bytes_become_an_array_of_the_shape_or_a_bad_request(
    data: bytes, offset: int, dtype: str, shape: tuple[int, ...]
) -> None:
    piece = memoryview(bytes(offset) + data)[offset:]
    try:
        array = from_binary(piece, shape, one(dtype), "x")
    except BadRequest as error:
        assert len(str(error)) < 1000
        return
    assert (array.shape, array.dtype, array.flags.aligned) == (shape, one(dtype).numpy_dtype, True)
    assert bytes(to_binary(array)) == data


@pytest.mark.parametrize(
    ("dtype", "data", "part"),
    [
        ("BOOL", b"\1\2", "`x` has the byte 2; allowed: 0 or 1 for each BOOL"),
        ("FP16", b"123", "`x.parameters.binary_data_size` is 3; allowed: 4 bytes (FP16, shape [2])"),
        ("BYTES", b"\1\0\0\0a", "has 5 bytes; allowed: 2 texts in UTF-8"),
        ("BYTES", b"\1\0\0\0a\2\0\0\0b", "ends inside a text"),
        ("BYTES", b"\0\0\0\0" * 3, "has more than 2 texts"),
        ("BYTES", b"\4\0\0\0abcd", "has 1 texts"),
        ("BYTES", b"\0\0\0\0\2\0\0\0a\xe9", "has in text 1 the byte 0xe9, which is not UTF-8"),
    ],
)
def test_bytes_that_are_no_tensor_are_refused_with_what_is_wrong(dtype: str, data: bytes, part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        from_binary(memoryview(data), (2,), one(dtype), "x")
    assert part in str(caught.value)
