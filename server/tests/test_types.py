"""Models of types and shapes that few have are served, or refused in words; each on the real server."""

from pathlib import Path

import numpy as np
import processes
import pytest
import step_models
from processes import config_for, running
from slipway_server.backends.onnx.session import OnnxSession
from slipway_server.values.bfloat16 import from_bits, to_bits


def ones(shape: tuple[int, ...]) -> list[object]:
    return np.ones(shape).tolist()


def test_bfloat16_is_rounded_to_the_nearest_and_back_exactly() -> None:
    numbers = np.array([1.0, 1.00390625, 1.01171875, 3.4e38, -0.0, np.inf, np.nan, 1e-40], np.float32)
    back = from_bits(to_bits(numbers))
    assert back[:3].tolist() == [1.0, 1.0, 1.015625]  # ties go to the even one
    assert np.isinf(back[3])
    assert np.isnan(back[6])
    assert (to_bits(back[:6]) == to_bits(numbers[:6])).all()


def test_bfloat16_goes_in_and_out_as_json_and_as_bytes(folder: Path) -> None:
    check = {"request": {"input": [[1.5, 2]]}, "expect": {"y": [[3, 4]], "half": [[1.5, 2]]}}
    with running(config_for(step_models.brief(folder), check), folder) as server:
        described = server.ask("GET", "/v2/models/brief").json
        assert [described["inputs"][0]["datatype"], described["outputs"][0]["datatype"]] == ["BF16", "BF16"]
        assert server.post("/predict", [[1.00390625, -3]]).json["outputs"]["wide"] == [[1.0, -3.0]]
        assert "numbers from" in server.post("/predict", [[3.4e38, 0]]).json["error"]
        data = np.array([[0x3FC0, 0xC040]], np.uint16).tobytes()
        entry = {"name": "x", "datatype": "BF16", "shape": [1, 2], "parameters": {"binary_data_size": 4}}
        head = b'{"inputs":[%s],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}' % (
            processes.json.dumps(entry).encode()
        )
        answer = server.ask(
            "POST", "/v2/models/brief/infer", head + data, inference_header_content_length=str(len(head))
        )
        start = int(answer.headers["inference-header-content-length"])
        assert np.frombuffer(answer.body[start:], np.uint16).tolist() == [0x4040, 0xC0C0]


def test_lists_of_maps_are_objects_in_predict_and_left_out_of_v2(folder: Path) -> None:
    check = {"request": {"input": [[0.25, 0.75]]}, "expect": {"label": 1}}
    model = step_models.zipmap(folder)
    with running(config_for(model, check, output={"top_k": 1}), folder) as server:
        answer = server.post("/predict", [[0.25, 0.75], [1, 0]]).json
        assert answer["outputs"]["shares"] == [{"cat": 0.25, "dog": 0.75}, {"cat": 1.0, "dog": 0.0}]
        assert answer["predictions"] == [[{"label": "dog", "confidence": 0.75}], [{"label": "cat", "confidence": 1.0}]]
        assert server.post("/predict", [[float("inf"), 0]]).status == 400
        assert [one["name"] for one in server.ask("GET", "/v2/models/zipmap").json["outputs"]] == ["label"]
        entry = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [0.25, 0.75]}
        plain = server.post("/v2/models/zipmap/infer", {"inputs": [entry]})
        assert [one["name"] for one in plain.json["outputs"]] == ["label"]
        named = server.post("/v2/models/zipmap/infer", {"inputs": [entry], "outputs": [{"name": "shares"}]})
        assert (named.status, "POST /predict" in named.json["error"]) == (400, True)
        text = server.ask("GET", "/v2/models/zipmap").json["parameters"]["batching_found"]
        assert text == "`shares` is a list, whose items belong to no row"


def test_a_sequence_of_tensors_is_a_list_and_cannot_be_expected(folder: Path) -> None:
    model = step_models.pieces(folder)
    outputs = OnnxSession(model, 1).run({"x": np.array([[1, 2], [3, np.inf]], np.float32)})
    assert outputs["parts"].tolist() == [[[1.0, 2.0]], [[3.0, "Infinity"]]]
    check = {"request": {"input": [[1, 2]]}, "expect": {"parts": [[1, 2]]}}
    server = processes.start(config_for(model, check), folder)
    server.process.wait(processes.START_LIMIT_S)
    assert "`expect.parts` is a list, which cannot be compared" in server.log.read_text()


@pytest.mark.parametrize(
    ("make", "name", "alone", "given", "value"),
    [
        (step_models.with_default, "factor", [3.0, 6.0], [5.0, 10.0], [5]),
        (step_models.optional, "more", [1.0, 2.0], [11.0, 22.0], [10, 20]),
    ],
)
def test_an_input_that_may_be_left_out_is_and_is_not(
    folder: Path, make: object, name: str, alone: object, given: object, value: object
) -> None:
    check = {"request": {"input": [1, 2]}, "expect": {"y": alone}}
    model: Path = make(folder)  # type: ignore[operator]
    with running(config_for(model, check), folder) as server:
        described = server.ask("GET", f"/v2/models/{model.stem}").json["inputs"]
        assert [(one["name"], one.get("optional")) for one in described] == [("x", None), (name, True)]
        both = server.post("/predict", {"inputs": {"x": [1, 2], name: value}})
        assert both.json["outputs"]["y"] == given
        assert server.post("/predict", {"inputs": {"x": [1, 2]}}).json["outputs"]["y"] == alone
        assert "`inputs.x` is missing" in server.post("/predict", {"inputs": {name: value}}).json["error"]


def test_sizes_of_one_name_are_held_to_be_the_same_before_the_model_runs(folder: Path) -> None:
    check = {"request": {"inputs": {"a": [[1, 2]], "b": [[3, 4]]}}, "expect": {"y": [[4, 6]]}}
    with running(config_for(step_models.pairs(folder), check), folder) as server:
        runs = server.metric("slipway_inference_seconds_count")
        answer = server.post("/predict", {"inputs": {"a": [[1, 2]], "b": [[3]]}})
        assert answer.status == 400
        assert "`inputs.b` has 1 in dimension 1, and `inputs.a` has 2 in dimension 1" in answer.json["error"]
        assert "one size for all that the model calls `length`" in answer.json["error"]
        entries = [
            {"name": "a", "datatype": "FP32", "shape": [2, 1], "data": [1, 2]},
            {"name": "b", "datatype": "FP32", "shape": [1, 1], "data": [1]},
        ]
        assert "calls `batch`" in server.post("/v2/models/pairs/infer", {"inputs": entries}).json["error"]
        assert server.metric("slipway_inference_seconds_count") == runs


def test_external_data_is_found_in_folders_in_branches_and_in_functions(folder: Path) -> None:
    check = {"request": {"input": ones((1, 256))}, "expect": {"y": {"min": 30, "max": 30}}}
    with running(config_for(step_models.outside(folder), check), folder) as server:
        assert server.post("/predict", ones((2, 256))).json["outputs"]["y"][1][255] == 30


def test_a_model_without_a_dimension_for_rows_is_served(folder: Path) -> None:
    check = {"request": {"input": [1, 2, 3]}, "expect": {"scores": [2, 4, 6]}}
    with running(config_for(step_models.one_row(folder), check, output={"labels": ["a", "b", "c"]}), folder) as server:
        best = server.post("/predict", [3, 1, 2]).json["predictions"][0]
        assert [one["label"] for one in best] == ["a", "c", "b"]
