"""The Open Inference Protocol over real HTTP: metadata, requests as JSON and as bytes, and what is against it."""

import json
from pathlib import Path

import numpy as np
import onnx_models
import processes
import pytest
from processes import DIGITS, Server

CHECK = json.loads((DIGITS / "check.json").read_text())
INFER = "/v2/models/digits/infer"
TENSOR = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": CHECK["inputs"]["image"]}


def test_the_protocol_s_metadata_and_health_are_there(digits: Server) -> None:
    server = digits.ask("GET", "/v2").json
    assert (server["name"], server["version"]) == ("slipway-server", "0.1.0")
    for path in ("/v2/models/digits", "/v2/models/digits/versions/1.2.3"):
        metadata = digits.ask("GET", path).json
        assert metadata["versions"] == ["1.2.3"]
        assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}]
        assert digits.ask("GET", path + "/ready").json == {"name": "digits", "ready": True}
    assert digits.ask("GET", "/v2/health/live").json == {"live": True}
    assert digits.ask("GET", "/v2/health/ready").json == {"ready": True}


@pytest.mark.parametrize("path", [INFER, "/v2/models/digits/versions/1.2.3/infer"])
def test_infer_echoes_the_id_and_gives_flat_data(digits: Server, path: str) -> None:
    answer = digits.post(path, {"id": "urn:42", "parameters": {"any": 1}, "inputs": [TENSOR]}).json
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("digits", "1.2.3", "urn:42")
    label, probabilities = answer["outputs"]
    assert label == {"name": "label", "datatype": "INT64", "shape": [1], "data": [7]}
    assert (probabilities["shape"], len(probabilities["data"])) == ([1, 10], 10)


def test_infer_gives_only_the_outputs_asked_for_and_takes_flat_data(digits: Server) -> None:
    flat = [value for row in TENSOR["data"][0][0] for value in row]  # type: ignore[index]
    answer = digits.post(INFER, {"inputs": [{**TENSOR, "data": flat}], "outputs": [{"name": "label"}]}).json
    assert [output["name"] for output in answer["outputs"]] == ["label"]
    assert "id" not in answer


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ([], "`body` is []"),
        ({}, "`inputs` is None"),
        ({"inputs": []}, "`inputs` is []"),
        ({"inputs": [TENSOR], "id": 7}, "`id` is 7"),
        ({"ouputs": []}, "`inputs` is None"),
        ({"inputs": [TENSOR, TENSOR]}, "'image' for the second time"),
        ({"inputs": [{**TENSOR, "name": "picture"}]}, "`inputs.picture` is no input of this model; allowed: image"),
        ({"inputs": [{**TENSOR, "name": 1}]}, "`inputs[0].name` is 1"),
        ({"inputs": [{**TENSOR, "datatype": "FP64"}]}, "`inputs.image.datatype` is 'FP64'; allowed: FP32"),
        ({"inputs": [{**TENSOR, "shape": [1, 8, 8]}]}, "`inputs.image.shape` has the shape [1, 8, 8]"),
        ({"inputs": [{**TENSOR, "shape": [-1, 1, 8, 8]}]}, "`inputs.image.shape` is [-1, 1, 8, 8]"),
        ({"inputs": [{**TENSOR, "shape": [0, 1, 8, 8]}]}, "has 64 values of the shape [1, 1, 8, 8]; allowed: 0 values"),
        ({"inputs": [{**TENSOR, "shape": [1, 0, 8, 8], "data": []}]}, "has the shape [1, 0, 8, 8]"),
        ({"inputs": [{**TENSOR, "shape": [10**18, 1, 8, 8]}]}, "has 64 values of the shape"),
        ({"inputs": [{**TENSOR, "shape": [True, 1, 8, 8]}]}, "`inputs.image.shape` is [True"),
        ({"inputs": [{**TENSOR, "data": [1, 2]}]}, "has 2 values of the shape [2]; allowed: 64 values"),
        ({"inputs": [{**TENSOR, "data": "AAAA"}]}, "`inputs.image.data` is 'AAAA'"),
        ({"inputs": [{k: v for k, v in TENSOR.items() if k != "data"}]}, "`inputs.image.data` is missing"),
        (
            {"inputs": [{**TENSOR, "parameters": {"binary_data_size": 256}}]},
            "is 256; allowed: the 0 bytes",
        ),
        ({"inputs": [{**TENSOR, "parameters": {"binary_data_size": "9"}}]}, "binary_data_size` is '9'"),
        ({"inputs": [{**TENSOR, "parameters": {"shared_memory_region": "a"}}]}, "shared_memory_region` is 'a'"),
        ({"inputs": [TENSOR], "parameters": {"binary_data_output": "yes"}}, "binary_data_output` is 'yes'"),
        ({"inputs": [TENSOR], "parameters": 1}, "`parameters` is 1"),
        ({"inputs": [TENSOR], "outputs": [{"name": "lable"}]}, "`outputs.lable` is no output of this model"),
        ({"inputs": [TENSOR], "outputs": 1}, "`outputs` is 1"),
    ],
)
def test_an_infer_request_against_the_protocol_gets_400_with_the_reason(
    digits: Server, document: object, part: str
) -> None:
    answer = digits.post(INFER, document)
    assert answer.status == 400
    assert part in answer.json["error"]


def test_keys_that_the_protocol_does_not_have_are_passed_over(digits: Server) -> None:
    tensor = {**TENSOR, "content_type": "np", "parameters": {"any": 1}}
    output = {"name": "label", "datatype": "INT64", "shape": [1], "data": []}
    document = {"model_name": "digits", "model_version": "9", "inputs": [tensor], "outputs": [output], "more": {}}
    answer = digits.post(INFER, document)
    assert answer.status == 200, answer.body
    assert [(output["name"], output["data"]) for output in answer.json["outputs"]] == [("label", [7])]


PIXELS = np.array(CHECK["inputs"]["image"], np.float32).tobytes()


def in_bytes(size: object, more: bytes = b"", **changes: object) -> tuple[bytes, str]:
    """Return a body with the pixels as bytes after the JSON, and the JSON's length."""
    entry = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [{**entry, **changes}]}).encode()
    return head + PIXELS + more, str(len(head))


def test_pixels_as_bytes_get_the_answer_of_pixels_as_json(digits: Server) -> None:
    body, head = in_bytes(256)
    answer = digits.ask("POST", INFER, body, inference_header_content_length=head)
    assert answer.status == 200, answer.body
    assert answer.json["outputs"] == digits.post(INFER, {"inputs": [TENSOR]}).json["outputs"]


@pytest.mark.parametrize(
    ("changes", "head", "part"),
    [
        ({"size": 257}, None, "binary_data_size` is 257; allowed: the 256 bytes"),
        ({"size": 252}, None, "has 4 bytes after the JSON that are of no input"),
        ({"size": 256, "more": b"1234"}, None, "has 4 bytes after the JSON that are of no input"),
        ({"size": 260, "more": b"1234"}, None, "binary_data_size` is 260; allowed: 256 bytes (FP32, shape"),
        ({"size": -1}, None, "binary_data_size` is -1"),
        ({"size": 256, "data": [1]}, None, "`inputs.image.data` is [1] beside binary_data_size"),
        ({"size": None}, None, "has 256 bytes after the JSON that are of no input"),
        ({"size": 256}, "99999", "`Inference-Header-Content-Length` is 99999; allowed: at most"),
        ({"size": 256}, "9" * 30, "`Inference-Header-Content-Length` is '999"),
        ({"size": 256}, "-1", "`Inference-Header-Content-Length` is '-1'"),
        ({"size": 256}, "3", "`body` is not JSON"),
    ],
)
def test_bytes_that_do_not_fit_their_json_get_400(
    digits: Server, changes: dict[str, object], head: str | None, part: str
) -> None:
    body, length = in_bytes(**changes)  # type: ignore[arg-type]
    answer = digits.ask("POST", INFER, body, inference_header_content_length=head or length)
    assert answer.status == 400
    assert part in answer.json["error"]


def test_predict_takes_no_tensors_as_bytes_and_says_who_does(digits: Server) -> None:
    answer = digits.ask("POST", "/predict", b"[]....", inference_header_content_length="2")
    assert answer.status == 400
    assert "/infer only" in answer.json["error"]


def test_the_model_s_configuration_statistics_and_index_are_there(digits: Server) -> None:
    for path in ("/v2/models/digits", "/v2/models/digits/versions/1.2.3"):
        config = digits.ask("GET", path + "/config").json
        assert config["input"] == [{"name": "image", "data_type": "TYPE_FP32", "dims": [-1, 1, 8, 8]}]
        assert digits.ask("GET", path + "/stats").json["model_stats"][0]["version"] == "1.2.3"
    assert digits.ask("GET", "/v2/models/stats").json["model_stats"][0]["name"] == "digits"
    assert digits.ask("POST", "/v2/repository/index", b"{}").json[0]["state"] == "READY"
    for path in ("/v2/models/other/stats", "/v2/models/other/config"):
        assert digits.ask("GET", path).status == 404


def test_a_model_called_stats_has_its_own_metadata_where_others_have_statistics(folder: Path) -> None:
    config = processes.config_for(onnx_models.echo_text(folder), {"request": ["a"], "expect": {"y": "a"}})
    config["model"]["name"] = "stats"
    with processes.running(config, folder) as server:
        assert server.ask("GET", "/v2/models/stats").json["platform"] == "onnxruntime_onnx"
        assert server.ask("GET", "/v2/models/stats/stats").json["model_stats"][0]["name"] == "stats"


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [{"name": "image", "shape": [1] * 50_000, "datatype": "FP32", "data": []}]},
        {"inputs": [{"name": "i" * 100_000, "shape": [1], "datatype": "FP32", "data": [1]}]},
        {"inputs": [{"name": "image", "shape": [1], "datatype": "F" * 100_000, "data": [1]}]},
    ],
    ids=["shape", "name", "datatype"],
)
def test_a_refusal_is_short_whatever_it_quotes(digits: Server, body: dict[str, object]) -> None:
    answer = digits.post(INFER, body)
    assert answer.status == 400
    assert len(answer.body) < 5000
