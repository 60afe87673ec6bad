"""POST /predict's body becomes arrays, or a message that says what to change."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from signatures import DIGITS, EVERY, SCALAR, TABULAR, vector
from slipway_server.protocol.jsonbody import loads
from slipway_server.protocol.request import parse_predict
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor, dtype_of

ZEROS = np.zeros((1, 1, 8, 8)).tolist()


def refused(body: object, signature: Signature) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_predict(body, signature)
    return str(caught.value)


@pytest.mark.parametrize("body", [{"inputs": {"image": ZEROS}}, {"input": ZEROS}, ZEROS])
def test_all_three_json_forms_fill_the_only_input(body: object) -> None:
    arrays = parse_predict(body, DIGITS)
    assert list(arrays) == ["image"]
    assert arrays["image"].dtype == np.float32
    assert arrays["image"].shape == (1, 1, 8, 8)


def test_values_land_where_they_were_nested() -> None:
    features = [[1, 2.5, -3], [4, 5, 6]]
    arrays = parse_predict({"inputs": {"weight": [[7], [8]], "features": features}}, TABULAR)
    assert arrays["features"].tolist() == features
    assert arrays["weight"].tolist() == [[7], [8]]
    assert arrays["weight"].dtype == np.int64


def test_a_scalar_input_takes_a_plain_value() -> None:
    assert parse_predict({"inputs": {"rate": 16000}}, SCALAR)["rate"].shape == ()
    assert "`inputs.rate` has the shape [1]" in refused({"inputs": {"rate": [16000]}}, SCALAR)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ({}, ["`body` is {}", '"image": FP32 [any, 1, 8, 8]']),
        (None, ["`body` is None"]),
        ({"inputs": {"image": ZEROS}, "extra": 1}, ["2 keys", "'extra'"]),
        ({"imput": ZEROS}, ["the key 'imput'"]),
        ({"inputs": ZEROS}, ["`inputs` is [[[["]),
        ({"inputs": {}}, ["`inputs.image` is missing"]),
        ({"inputs": {"picture": ZEROS}}, ["`inputs.picture` is no input", "allowed: image"]),
        ({"input": [[1, 2], [3]]}, ["`input[1]` has 1 values where `input[0]` has 2"]),
        ({"input": [[1, 2], 3]}, ["`input[1]` is 3 where others are lists"]),
        ({"input": [[1, 2]]}, ["the shape [1, 2]", "[any, 1, 8, 8]"]),
        ({"input": [[]]}, ["the shape [1, 0, 8, 8]"]),
        ({"input": [[[[[1]]]]]}, ["nested more than 4 deep"]),
        ({"input": np.zeros((1, 1, 8, 7)).tolist()}, ["the shape [1, 1, 8, 7]"]),
    ],
)
def test_a_body_of_another_form_is_refused_with_field_value_and_what_is_allowed(body: object, parts: list[str]) -> None:
    message = refused(body, DIGITS)
    for part in [*parts, "allowed: "]:
        assert part in message


@pytest.mark.parametrize(
    ("dtype", "value", "shown"),
    [
        ("FP32", "1.5", "'1.5'"),
        ("INT64", None, "None"),
        ("BYTES", None, "None"),
        ("FP32", "nan", "'nan'"),
        ("INT64", "Infinity", "'Infinity'"),
        ("FP32", True, "True"),
        ("FP32", {}, "{}"),
        ("FP32", 1e39, "1e+39"),
        ("FP16", 70000, "70000"),
        ("FP64", float("inf"), "inf"),
        ("INT64", 1.0, "1.0"),
        ("INT64", 2**63, str(2**63)),
        ("INT8", -129, "-129"),
        ("UINT8", 256, "256"),
        ("UINT8", -1, "-1"),
        ("BOOL", 1, "1"),
        ("BYTES", 1, "1"),
        ("BYTES", "\ud800", "surrogate"),
    ],
)
def test_a_value_outside_the_datatype_is_named_with_its_index(dtype: str, value: object, shown: str) -> None:
    good = {"BOOL": True, "BYTES": "a"}.get(dtype, 1)
    message = refused({"input": [good, value]}, vector(dtype))
    assert message.startswith("`input[1]` ")
    assert shown in message
    assert "allowed: " in message


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("FP32", 3.4e38), ("INT64", -(2**63)), ("UINT64", 2**64 - 1), ("INT8", -128), ("BYTES", "ä\x00"), ("BOOL", False)],
)
def test_the_outermost_values_of_a_datatype_are_taken(dtype: str, value: object) -> None:
    assert parse_predict([value], vector(dtype))["x"].tolist() == pytest.approx([value])


def test_several_inputs_must_be_named() -> None:
    assert "names none of the 2 inputs" in refused([[1, 2, 3]], TABULAR)


def png(width: int, height: int, mode: str = "L", colour: object = 255) -> str:
    buffer = io.BytesIO()
    Image.new(mode, (width, height), colour).save(buffer, "PNG")  # type: ignore[arg-type]
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_base64_picture_is_resized_and_scaled_by_the_metadata() -> None:
    array = parse_predict({"image": png(100, 30)}, DIGITS)["image"]
    assert array.shape == (1, 1, 8, 8)
    assert array.dtype == np.float32
    assert array.min() == array.max() == 1.0


@pytest.mark.parametrize(
    ("shape", "dtype", "metadata", "expected"),
    [
        ((None, 3, 4, 5), "FP32", {}, [255, 128, 0]),
        ((None, 3, 4, 5), "FP32", {"Image.BitmapPixelFormat": "BGR8"}, [0, 128, 255]),
        ((None, 3, 4, 5), "FP32", {"Image.NominalPixelRange": "Normalized_1_1"}, [1, 128 / 127.5 - 1, -1]),
        ((None, 3, 4, 5), "FP64", {"image.nominalpixelrange": "NominalRange_16_235"}, [235, 125.93, 16]),
        ((1, 3, 4, 5), "UINT8", {}, [255, 128, 0]),
    ],
)
def test_channels_and_pixel_range_follow_the_metadata(
    shape: tuple[int | None, ...], dtype: str, metadata: dict[str, str], expected: list[float]
) -> None:
    signature = Signature((Tensor("image", dtype, shape),), (), metadata)
    array = parse_predict({"image": png(9, 9, "RGB", (255, 128, 0))}, signature)["image"]
    assert array.shape == (1, 3, 4, 5)
    assert array[0, :, 2, 3].tolist() == pytest.approx(expected, abs=0.01)


def test_channels_last_models_get_channels_last() -> None:
    signature = Signature((Tensor("image", "UINT8", (None, 4, 5, 3)),), (), {})
    array = parse_predict({"image": png(9, 9, "RGB", (255, 128, 0))}, signature)["image"]
    assert array.shape == (1, 4, 5, 3)
    assert array[0, 0, 0].tolist() == [255, 128, 0]


def test_a_picture_for_a_model_without_pictures_is_refused() -> None:
    assert "`image` is not something this model takes" in refused({"image": png(8, 8)}, TABULAR)


def bomb(side: int) -> str:
    """A PNG of a few kB that unpacks to `side` x `side` pixels."""
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("%%%", "is not base64"),
        ("ä", "is not base64"),
        ("", "is no image of a known format (0 bytes)"),
        (base64.b64encode(b"hello").decode(), "is no image of a known format (5 bytes)"),
        (base64.b64encode(base64.b64decode(png(50, 50, "RGB"))[:60]).decode(), "is a damaged image file"),
        (7, "`image` is 7"),
    ],
)
def test_a_broken_picture_is_refused(text: object, part: str) -> None:
    assert part in refused({"image": text}, DIGITS)


@pytest.mark.parametrize("side", [7_100, 20_000])
def test_a_decompression_bomb_is_refused_before_it_unpacks(side: int) -> None:
    assert "pixels" in refused({"image": bomb(side)}, DIGITS)


def test_element_types_are_named_as_the_protocol_does() -> None:
    assert [dtype_of(name) for name in ("float", "int64", "string", "bfloat16")] == ["FP32", "INT64", "BYTES", "BF16"]
    with pytest.raises(ValueError, match="'complex64' cannot be served"):
        dtype_of("complex64")


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[NaN]", "is not JSON"),
        (b"[Infinity]", "is not JSON"),
        (b"[1e400]", "is not JSON"),
        (b'["\xff"]', "is not JSON"),
        (b"\xef\xbb\xbf[]", "is not JSON"),
        ("[1]".encode("utf-16"), "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[" * 1500 + b"]" * 1500, "is not JSON"),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b'{"inputs": {"x": [1], "x": [2]}}', "has the key 'x' twice"),
        (b'[[{"a": ":", "b": {"c": 1, "c": 1}}]]', "has the key 'c' twice"),
        (b'{"a":' * 900 + b'{"b":1,"b":1}' + b"}" * 900, "body"),
    ],
)
def test_json_that_is_not_strict_is_refused(raw: bytes, part: str) -> None:
    with pytest.raises(BadRequest, match="`body`") as caught:
        loads(raw)
    assert part in str(caught.value)


def test_colons_in_strings_do_not_look_like_lost_keys() -> None:
    assert loads(b'{"a": "b:c", "d": [{"e": ":::"}]}') == {"a": "b:c", "d": [{"e": ":::"}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["inputs", "input", "image", "x", "rate", "features"]), inner, max_size=3)
    ),
    max_leaves=30,
)


@given(body=JSON, signature=st.sampled_from(EVERY))
def test_any_document_becomes_arrays_of_the_signature_or_a_bad_request(body: object, signature: Signature) -> None:
    try:
        arrays = parse_predict(body, signature)
    except BadRequest as error:
        assert len(str(error)) < 2000
        return
    for tensor in signature.inputs:
        array = arrays[tensor.name]
        assert array.dtype == tensor.numpy_dtype
        assert array.ndim == len(tensor.shape)


@given(raw=st.binary(max_size=200) | JSON.map(lambda body: json.dumps(body).encode()))
def test_any_bytes_become_a_document_as_json_reads_it_or_a_bad_request(raw: bytes) -> None:
    try:
        body = loads(raw)
    except BadRequest:
        return
    assert body == json.loads(raw, parse_int=as_64_bits)


def as_64_bits(digits: str) -> float:
    """Read an integer as orjson does: beyond 64 bits it becomes a float."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(number)
