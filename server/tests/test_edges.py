"""Missing values, infinities, arrays without values and tensors as bytes become arrays, or are refused in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signatures import vector
from slipway_server.protocol.binary import from_binary, to_binary
from slipway_server.protocol.request import parse_predict
from slipway_server.protocol.v2 import parse_infer
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor


def refused(body: object, signature: Signature) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_predict(body, signature)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["FP16", "FP32", "FP64"])
def test_null_is_nan_and_the_infinities_have_words(dtype: str) -> None:
    array = parse_predict([1.5, None, "Infinity", "-Infinity", "NaN", 2], vector(dtype))["x"]
    np.testing.assert_array_equal(array, [1.5, np.nan, np.inf, -np.inf, np.nan, 2])


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


@given(texts=st.lists(st.text(), max_size=20))
def test_texts_come_back_from_bytes_as_they_went_in(texts: list[str]) -> None:
    array = np.array([*texts, None], dtype=np.object_)[:-1]
    back = from_binary(memoryview(to_binary(array, "BYTES")), (len(texts),), one("BYTES"), "x")
    assert back.tolist() == texts


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
    assert bytes(to_binary(array, dtype)) == data


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


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", "y", "FP32", "INT64", "NaN"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "data", "shape"]), inner),
    max_leaves=8,
)


@st.composite
def infer_requests(draw: st.DrawFn) -> tuple[dict[str, object], bytes, bool]:
    """A request for `x` FP32 [any, any] and `n` INT64 [any], the bytes after its JSON, and whether it is right."""
    entries: list[dict[str, object]] = []
    binary = b""
    for name, dtype, rank in draw(st.permutations([("x", "FP32", 2), ("n", "INT64", 1)])):
        array = np.ones(draw(st.lists(st.integers(0, 3), min_size=rank, max_size=rank)), one(dtype).numpy_dtype)
        entry: dict[str, object] = {"name": name, "datatype": dtype, "shape": list(array.shape)}
        if draw(st.booleans()):
            entry["parameters"] = {"binary_data_size": array.nbytes}
            binary += array.tobytes()
        else:
            entry["data"] = draw(st.sampled_from([array, array.ravel()])).tolist()
        entries.append(entry)
    body: dict[str, object] = {"inputs": entries, "id": "7", "outputs": [{"name": "y"}], "parameters": {}}
    broken = draw(st.sampled_from([None, "key", "entry", "bytes"]))
    if broken == "key":
        body[draw(st.sampled_from(sorted(body)))] = draw(ANY)
    elif broken == "entry":
        entry = draw(st.sampled_from(entries))
        key = draw(st.sampled_from(["name", "datatype", "shape", "data", "parameters"]))
        entry[key] = draw(ANY | st.just([10**30, 0]) | st.integers(-1, 30).map(lambda size: {"binary_data_size": size}))
    elif broken == "bytes":
        binary = draw(st.binary(max_size=60))
    return body, binary, broken is None


@given(sent=infer_requests())
def test_any_request_is_read_as_the_signature_has_it_or_refused(sent: tuple[dict[str, object], bytes, bool]) -> None:
    body, binary, whole = sent
    inputs = (Tensor("x", "FP32", (None, None)), Tensor("n", "INT64", (None,)))
    signature = Signature(inputs, (Tensor("y", "FP32", (None,)),), {})
    try:
        request = parse_infer(body, signature, memoryview(binary))
    except BadRequest as error:
        assert not whole, error
        assert len(str(error)) < 2000
        return
    assert {name: (array.dtype, array.ndim) for name, array in request.inputs.items()} == {
        "x": (np.float32, 2),
        "n": (np.int64, 1),
    }
    if whole:
        assert all((array == 1).all() for array in request.inputs.values())
