"""What the spec withholds leaves the server on no way out: JSON, bytes, gRPC, predictions, batches."""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rpc_clients
import step_models
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from processes import config_for
from slipway_server.page.description import openapi
from slipway_server.steps.assembled import Materials, Steps
from slipway_server.steps.coarse import Coarse
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import OutputSection
from test_batch import batch

SCORES = Tensor("scores", "FP32", (None, 3))
BEST = Tensor("best", "INT64", (None,))
MAPS = Tensor("shares", "seq(map(string,tensor(float)))", ())
ROW = [0.126, 0.503, 0.371]


def coarse(*outputs: Tensor, **fields: Any) -> Coarse:
    return Coarse(OutputSection.model_validate(fields), Signature((), outputs or (BEST, SCORES), {}))


def refused(*outputs: Tensor, **fields: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        coarse(*outputs, **fields)
    return str(caught.value)


def shown(scores: np.ndarray, **fields: Any) -> np.ndarray:
    return coarse(**fields).of({"scores": scores})["scores"]


@given(
    st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    ),
    st.integers(0, 6),
)
def test_no_number_keeps_more_than_its_decimals(scores: np.ndarray, digits: int) -> None:
    found = shown(scores, round=digits)
    assert (found.dtype, found.shape) == (scores.dtype, scores.shape)
    assert np.array_equal(np.isnan(found), np.isnan(scores))
    for before, after in zip(scores.ravel(), found.ravel(), strict=True):
        # What is as coarse by itself is left: the next number of its type is farther away.
        with np.errstate(over="ignore"):
            fine = math.isfinite(before) and np.spacing(np.abs(before)) < 10.0**-digits
        if fine:
            assert abs(float(after) - round(float(after), digits)) <= float(np.spacing(np.abs(after)))
            assert abs(float(after) - float(before)) <= 0.51 * 10.0**-digits + 2 * float(np.spacing(np.abs(before)))
        if after == 0:
            assert not np.signbit(after)


@given(arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_the_best_class_is_the_one_that_is_listed_first_and_all_others_are_alike(scores: np.ndarray) -> None:
    found = shown(scores, top_1=True)
    assert (found.dtype, found.shape) == (scores.dtype, scores.shape)
    assert set(found.ravel().tolist()) <= {0.0, 1.0}
    assert np.all(found.sum(axis=1) == (1 if scores.shape[1] else 0))
    for row, one in zip(scores, found, strict=True):
        if row.size and not np.isnan(row).all():
            assert row[one.argmax()] == np.nanmax(row)


def test_maps_are_made_coarse_as_tensors_are() -> None:
    given_rows = np.empty(1, np.object_)
    given_rows[0] = {"cat": 0.126, "dog": 0.874, "owl": "Infinity"}
    assert coarse(MAPS, round=1).of({"shares": given_rows})["shares"][0] == {"cat": 0.1, "dog": 0.9, "owl": "Infinity"}
    given_rows[0] = {"cat": 0.126, "dog": 0.874}
    assert coarse(MAPS, top_1=True).of({"shares": given_rows})["shares"][0] == {"cat": 0.0, "dog": 1.0}


def test_what_is_not_asked_for_is_as_it_was() -> None:
    best = np.array([1])
    assert coarse(round=0).of({"best": best})["best"] is best


def test_what_would_tell_more_or_cannot_be_made_coarser_is_refused() -> None:
    vector = Tensor("embedding", "FP32", (None, 8, 8))
    assert "would leave `embedding` (FP32)" in refused(SCORES, vector, top_1=True)
    assert "finds nothing to round in `best` INT64" in refused(BEST, round=2)
    assert "`output.of` is left out" in refused(BEST, top_1=True)


def config(folder: Path, **output: Any) -> dict[str, Any]:
    check = {"request": {"inputs": {"x": [ROW]}}, "expect": {"best": 1}}
    return config_for(step_models.scores(folder), check, output=output)


@pytest.mark.parametrize(
    ("output", "scores", "predictions"),
    [
        (
            {"round": 1, "labels": ["cat", "dog", "owl"]},
            [0.1, 0.5, 0.4],
            [
                {"label": "dog", "confidence": 0.5},
                {"label": "owl", "confidence": 0.4},
                {"label": "cat", "confidence": 0.1},
            ],
        ),
        ({"top_1": True, "labels": ["cat", "dog", "owl"]}, [0.0, 1.0, 0.0], [{"label": "dog"}]),
        ({"round": 0}, [0.0, 1.0, 0.0], None),
    ],
    ids=["round", "top-1", "round-alone"],
)
def test_every_way_out_tells_the_same(
    output: dict[str, Any], scores: list[float], predictions: Any, tmp_path: Path
) -> None:
    wanted = np.array([scores], np.float32)
    asked = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": ROW}
    infer = "/v2/models/scores/infer"
    with rpc_clients.running(config(tmp_path, **output), tmp_path) as (server, address):
        answer = server.post("/predict", {"inputs": {"x": [ROW]}}).json
        assert answer["outputs"] == {"best": [1], "scores": [scores]}
        assert answer.get("predictions") == (None if predictions is None else [predictions])

        as_json = {one["name"]: one["data"] for one in server.post(infer, {"inputs": [asked]}).json["outputs"]}
        assert as_json == {"best": [1], "scores": scores}
        named = {"inputs": [asked], "outputs": [{"name": "scores", "parameters": {"binary_data": True}}]}
        as_bytes = server.post(infer, named)
        length = int(as_bytes.headers["inference-header-content-length"])
        assert as_bytes.body[length:] == wanted.tobytes()

        called = rpc_clients.client(address).infer(
            "scores", [rpc_clients.given("x", "FP32", np.array([ROW], np.float32))]
        )
        assert called.as_numpy("scores").tobytes() == wanted.tobytes()


def test_a_large_answer_is_made_coarse_too(tmp_path: Path) -> None:
    rows = 20_000
    with rpc_clients.running(config(tmp_path, top_1=True), tmp_path) as (server, _):
        answer = server.post("/predict", {"inputs": {"x": [ROW] * rows}}).json
    assert answer["outputs"]["scores"] == [[0.0, 1.0, 0.0]] * rows


def test_a_function_of_ones_own_gets_what_may_be_shown(tmp_path: Path) -> None:
    hook = tmp_path / "hook.py"
    hook.write_text("def after(outputs):\n    return outputs['scores'].tolist()\n")
    with rpc_clients.running(config(tmp_path, round=0, hook=str(hook)), tmp_path) as (server, _):
        assert server.post("/predict", {"inputs": {"x": [ROW]}}).json["predictions"] == [[0.0, 1.0, 0.0]]


def test_a_batch_of_arrays_tells_no_more_than_answers(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=np.array([ROW], np.float32))
    code, events = batch(config(tmp_path, top_1=True), tmp_path, tmp_path / "rows.npz", tmp_path / "out")
    assert code == 0, events
    (part,) = (tmp_path / "out").glob("part-*.npz")
    assert np.load(io.BytesIO(part.read_bytes()))["scores"].tolist() == [[0.0, 1.0, 0.0]]


def test_the_document_says_that_a_class_comes_alone_and_the_page_why() -> None:
    signature = Signature((Tensor("x", "FP32", (None, 3)),), (BEST, SCORES), {})
    steps = Steps(None, OutputSection(top_1=True), Materials(), signature)
    described = openapi("model", "1.0.0", signature, steps, False)
    assert described["x-slipway"]["coarse"] == "top_1"
    assert "confidence" not in json.dumps(described)
    plain = openapi("model", "1.0.0", signature, Steps(None, None, Materials(), signature), False)
    assert "coarse" not in plain["x-slipway"]
