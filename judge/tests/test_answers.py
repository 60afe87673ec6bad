"""Answers read in every form that the model server writes, and compared."""

import json
from typing import Any

import numpy as np
import pytest
from slipway_judge.replaying.answers import Difference, NotComparable, Output, differences, outputs_of
from slipway_judge.replaying.call import headers_to_send, why_not
from slipway_server.protocol.binary import to_binary


def v2(**outputs: tuple[str, list[int], list[Any]]) -> bytes:
    entries = [
        {"name": name, "datatype": kind, "shape": shape, "data": data} for name, (kind, shape, data) in outputs.items()
    ]
    return json.dumps({"model_name": "digits", "model_version": "1.0.0", "outputs": entries}).encode()


def in_bytes(**outputs: tuple[str, "np.ndarray[Any, Any]"]) -> tuple[bytes, dict[str, str]]:
    pieces = [bytes(to_binary(array, kind)) for kind, array in outputs.values()]
    entries = [
        {"name": name, "datatype": kind, "shape": array.shape, "parameters": {"binary_data_size": len(piece)}}
        for (name, (kind, array)), piece in zip(outputs.items(), pieces, strict=True)
    ]
    head = json.dumps({"outputs": entries}).encode()
    return head + b"".join(pieces), {"inference-header-content-length": str(len(head))}


def compared(old: bytes, new: bytes, **rules: Any) -> list[Difference]:
    tolerance, wanted = rules.get("tolerance", 0.001), rules.get("wanted")
    return differences(outputs_of(old, {}), outputs_of(new, {}), wanted, tolerance)


def predict(**outputs: Any) -> bytes:
    return json.dumps({"model": "digits", "version": "1", "release": "0", "outputs": outputs}).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (predict(label=[7], scores=[[0.1, 0.9]]), predict(label=[7], scores=[[0.1004, 0.8996]])),
        (predict(text=["a"], nothing=[]), predict(text=["a"], nothing=[], more=[1])),
        (predict(score=[None, "Infinity", "-Infinity"]), predict(score=[None, "Infinity", "-Infinity"])),
        (predict(score=[5000.0]), predict(score=[5004.9])),
        (predict(ok=[True], score=7), predict(ok=[True], score=7.0)),
        (v2(label=("INT64", [1], [7])), v2(label=("INT64", [1], [7]))),
    ],
)
def test_answers_that_are_the_same_within_the_tolerance_agree(old: bytes, new: bytes) -> None:
    assert compared(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "largest"),
    [
        (predict(x=[[1.0, 2.0]]), predict(x=[[1.0, 2.25]]), 0.25),
        (predict(x=[7]), predict(x=[8]), 1.0),
        (predict(x=[5000.0]), predict(x=[5005.5]), 5.5),
        (predict(x=[True]), predict(x=[1]), 0.0),
        (predict(x=["a"]), predict(x=["b"]), None),
        (predict(x=[None]), predict(x=[1.0]), None),
        (predict(x=[1.0, 2.0]), predict(x=[[1.0, 2.0]]), 0.0),
        (predict(x=[1.0]), predict(y=[1.0]), None),
        (predict(x=["Infinity"]), predict(x=["-Infinity"]), None),
        (v2(x=("FP32", [1, 4], [1, 2, 3, 4])), v2(x=("FP32", [2, 2], [1, 2, 3, 4])), 0.0),
        (v2(x=("FP32", [1], [1])), v2(x=("FP64", [1], [1])), 0.0),
    ],
)
def test_answers_that_differ_name_the_output_and_the_largest_difference(
    old: bytes, new: bytes, largest: float | None
) -> None:
    assert compared(old, new) == [Difference("x", largest)]


def test_only_the_outputs_that_the_rules_name_count() -> None:
    old, new = predict(label=[7], scores=[0.1]), predict(label=[7], scores=[0.9])
    assert compared(old, new, wanted=("label",)) == []
    assert compared(old, new) == [Difference("scores", pytest.approx(0.8))]
    with pytest.raises(NotComparable):
        compared(old, new, wanted=("box",))


def test_tensors_as_bytes_are_read_with_what_is_not_finite_among_them() -> None:
    floats = np.array([[1.5, np.nan, np.inf, -np.inf]], np.float32)
    texts = np.array(["é", ""], np.object_)
    body, headers = in_bytes(scores=("FP32", floats), text=("BYTES", texts), ok=("BOOL", np.array([True])))
    assert outputs_of(body, headers) == {
        "scores": Output(("FP32", (1, 4)), [1.5, None, "Infinity", "-Infinity"]),
        "text": Output(("BYTES", (2,)), ["é", ""]),
        "ok": Output(("BOOL", (1,)), [True]),
    }
    other, other_headers = in_bytes(scores=("FP32", floats + 1), text=("BYTES", texts), ok=("BOOL", np.array([True])))
    found = differences(outputs_of(body, headers), outputs_of(other, other_headers), None, 0.001)
    assert [each.output for each in found] == ["scores"]


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[]", b"{}", b'{"outputs": 1}', b'{"outputs": [{"name": "x"}]}', b" " * 3_000_000],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_answer_of_the_model_server_cannot_be_compared(body: bytes) -> None:
    with pytest.raises(NotComparable):
        outputs_of(body, {})


@pytest.mark.parametrize("size", [0, 3, 5])
def test_bytes_that_are_not_as_long_as_they_say_cannot_be_compared(size: int) -> None:
    body, headers = in_bytes(x=("FP32", np.zeros(1, np.float32)))
    with pytest.raises(NotComparable):
        outputs_of(body.replace(b'"binary_data_size": 4', b'"binary_data_size": %d' % size), headers)


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("POST", "/predict", None),
        ("POST", "/v2/models/digits/infer", None),
        ("POST", "/v2/models/digits/versions/1.0.0/infer", "version"),
        ("GET", "/predict", "not_the_model"),
        ("GET", "/v2/models/digits", "not_the_model"),
        ("POST", "/v2/repository/index", "not_the_model"),
        ("POST", "/predict/more", "not_the_model"),
    ],
)
def test_only_calls_that_ask_the_model_and_name_no_version_are_replayed(
    method: str, path: str, reason: str | None
) -> None:
    assert why_not(method, path) == reason


def test_a_replay_has_the_callers_pass_and_nothing_of_the_connection() -> None:
    sent = headers_to_send(
        [
            (b"host", b"digits-shadow"),
            (b"content-length", b"3"),
            (b"content-type", b"application/json"),
            (b"accept-encoding", b"gzip"),
            (b"transfer-encoding", b"chunked"),
            (b"x-slipway-pass", b"signed"),
        ]
    )
    assert sent == (
        (b"content-type", b"application/json"),
        (b"x-slipway-pass", b"signed"),
        (b"accept-encoding", b"identity"),
    )
