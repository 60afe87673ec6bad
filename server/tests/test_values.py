"""Values at the edge go in and come out of a real server: missing, infinite, none at all, text, of unknown shape."""

from pathlib import Path

import onnx_models
import processes
import pytest
from processes import Server


def test_values_outside_a_datatype_get_400_at_the_wire(tabular: Server) -> None:
    for weight in (1.5, 2**63, 10**30, "2", None, True):
        answer = tabular.post("/predict", {"inputs": {"features": [[1, 2, 3]], "weight": [[weight]]}})
        assert answer.status == 400
        assert "`inputs.weight[0][0]`" in answer.json["error"]


def test_missing_values_go_in_as_null_and_what_is_not_finite_comes_out_in_words(folder: Path) -> None:
    check = {"request": [[1, None]], "expect": {"y": [[0, None]]}}
    with processes.running(processes.config_for(onnx_models.logarithm(folder), check), folder) as server:
        answer = server.post("/predict", [[0, -1], ["Infinity", None], [1, 1]])
        assert answer.status == 200, answer.body
        assert answer.json["outputs"] == {"y": [["-Infinity", None], ["Infinity", None], [0, 0]]}
        tensor = {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [0, -1, "Infinity", None]}
        answer = server.post("/v2/models/logarithm/infer", {"inputs": [tensor]})
        assert answer.json["outputs"][0]["data"] == ["-Infinity", None, "Infinity", None]


@pytest.mark.parametrize("expect", [[[0, "-Infinity"]], {"min": 0}])
def test_a_golden_answer_of_nan_meets_no_number(folder: Path, expect: object) -> None:
    check = {"request": [[1, None]], "expect": {"y": expect}}
    server = processes.start(processes.config_for(onnx_models.logarithm(folder), check), folder)
    assert server.process.wait(processes.START_LIMIT_S) == 1
    assert "element 1 of output `y` is null (NaN), expected" in server.log.read_text()


def test_arrays_without_values_are_taken_and_given(folder: Path) -> None:
    first = {"x": [[1, 2]], "past": [], "none": []}
    check = {"request": {"inputs": first}, "expect": {"present": [[1, 2]], "still_none": []}}
    with processes.running(processes.config_for(onnx_models.cache(folder), check), folder) as server:
        assert server.post("/predict", {"inputs": first}).json["outputs"] == {"present": [[1, 2]], "still_none": []}
        both = {"x": [], "past": [], "none": []}
        assert server.post("/predict", {"inputs": both}).json["outputs"]["present"] == []
        tensors = [
            {"name": name, "shape": [len(data), 2], "datatype": "FP32", "data": data} for name, data in both.items()
        ]
        outputs = server.post("/v2/models/cache/infer", {"inputs": tensors}).json["outputs"]
        assert [(output["shape"], output["data"]) for output in outputs] == [([0, 2], []), ([0, 2], [])]
        assert server.ask("GET", "/v2/models/cache").json["inputs"][2]["shape"] == [0, 2]
        answer = server.post("/predict", {"inputs": {**first, "none": [[1, 2]]}})
        assert answer.status == 400
        assert "`inputs.none` has the shape [1, 2]; allowed: nested lists of the shape [0, 2]" in answer.json["error"]


def test_a_golden_request_may_have_the_form_of_v2(folder: Path) -> None:
    inputs = [
        {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]},
        {"name": "past", "shape": [0, 2], "datatype": "FP32", "data": []},
        {"name": "none", "shape": [0, 2], "datatype": "FP32", "data": []},
    ]
    check = {"request": {"inputs": inputs}, "expect": {"present": [[1, 2]]}}
    with processes.running(processes.config_for(onnx_models.cache(folder), check), folder) as server:
        assert server.post("/predict", {"inputs": inputs}).json["outputs"]["present"] == [[1, 2]]


def test_an_output_whose_rank_is_known_only_when_it_is_there_is_served(folder: Path) -> None:
    check = {"request": {"inputs": {"x": [1, 2], "shape": [2, 1]}}, "expect": {"y": [[1], [2]]}}
    with processes.running(processes.config_for(onnx_models.reshaped(folder), check), folder) as server:
        for shape, y in (([1, 2], [[1, 2]]), ([2], [1, 2]), ([1, 1, 2], [[[1, 2]]])):
            answer = server.post("/predict", {"inputs": {"x": [1, 2], "shape": shape}})
            assert answer.json["outputs"] == {"y": y}


def test_text_of_the_model_that_is_not_utf_8_is_an_error_of_the_model_and_of_that_request_alone(folder: Path) -> None:
    check = {"request": [0, 2], "expect": {"label": ["tea", "größe"]}}
    with processes.running(processes.config_for(onnx_models.labels(folder), check), folder) as server:
        answer = server.post("/predict", [1])
        assert answer.status == 500
        assert answer.json["error"].startswith("`outputs` have text that is not UTF-8: b'caf\\xe9'; allowed: a model")
        assert server.post("/predict", [0]).json["outputs"] == {"label": ["tea"]}


def test_a_golden_answer_with_text_that_is_not_utf_8_is_told_at_the_start(folder: Path) -> None:
    check = {"request": [1], "expect": {"label": "café"}}
    server = processes.start(processes.config_for(onnx_models.labels(folder), check), folder)
    assert server.process.wait(processes.START_LIMIT_S) == 1
    assert "golden request: `outputs` have text that is not UTF-8" in server.log.read_text()


def test_values_that_the_graph_cannot_compute_get_400(folder: Path) -> None:
    check = {"request": [1], "expect": {"y": 1}}
    with processes.running(processes.config_for(onnx_models.lookup(folder), check), folder) as server:
        answer = server.post("/predict", [99])
        assert answer.status == 400
        assert "cannot be computed by the model" in answer.json["error"]
        assert server.post("/predict", [4]).json["outputs"] == {"y": [4]}


def test_strings_go_in_and_out(folder: Path) -> None:
    check = {"request": ["a"], "expect": {"y": "a"}}
    with processes.running(processes.config_for(onnx_models.echo_text(folder), check), folder) as server:
        words = ["größe", "", "line\nbreak", "nul\x00"]
        assert server.post("/predict", words).json["outputs"] == {"y": words}
