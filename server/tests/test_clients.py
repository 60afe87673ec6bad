"""The clients that people have work with their defaults: tritonclient, and what KServe's SDK and browsers send."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
import processes
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from processes import DIGITS, Server
from tritonclient.utils import InferenceServerException

SEVEN = (DIGITS / "seven.png").read_bytes()
FEATURES = np.array([[1, 2, 3], [1, 1, 1]], np.float32)
WEIGHT = np.array([[2], [-1]], np.int64)
VALUES: dict[str, tuple[str, Any]] = {
    "bool": ("BOOL", np.array([True, False])),
    "uint8": ("UINT8", np.array([0, 255], np.uint8)),
    "uint16": ("UINT16", np.array([0, 2**16 - 1], np.uint16)),
    "uint32": ("UINT32", np.array([0, 2**32 - 1], np.uint32)),
    "uint64": ("UINT64", np.array([2**63 + 1, 2**64 - 1], np.uint64)),
    "int8": ("INT8", np.array([-128, 127], np.int8)),
    "int16": ("INT16", np.array([-(2**15), 2**15 - 1], np.int16)),
    "int32": ("INT32", np.array([-(2**31), 2**31 - 1], np.int32)),
    "int64": ("INT64", np.array([-(2**63), 2**63 - 1], np.int64)),
    "float16": ("FP16", np.array([-65504, 0.1], np.float16)),
    "float": ("FP32", np.array([3.4e38, 0.1], np.float32)),
    "double": ("FP64", np.array([1.7e308, 0.1], np.float64)),
    "string": ("BYTES", np.array(["größe\x00", ""], np.object_)),
}
# What kserve 0.21.0 sent for `InferenceRESTClient(RESTConfig(protocol="v2")).infer(url, InferRequest(...))` of both
# inputs, first with `set_data_from_numpy(..., binary_data=False)`, then with its default. It needs 150 packages, so
# that it is not installed for a test.
KSERVE_HEADERS = {"accept": "*/*", "accept_encoding": "gzip, deflate, br", "user_agent": "python-httpx/0.28.1"}
KSERVE_JSON = (
    {"content_type": "application/json"},
    b'{"id":"7b1c","model_name":"tabular","inputs":[{"name":"features","shape":[2,3],"datatype":"FP32",'
    b'"data":[1.0,2.0,3.0,1.0,1.0,1.0]},{"name":"weight","shape":[2,1],"datatype":"INT64","data":[2,-1]}]}',
)
KSERVE_BYTES = (
    {"inference_header_content_length": "224", "content_type": "application/octet-stream"},
    b'{"id":"7b1c","model_name":"tabular","inputs":[{"name":"features","shape":[2,3],"datatype":"FP32",'
    b'"parameters":{"binary_data_size":24}},{"name":"weight","shape":[2,1],"datatype":"INT64",'
    b'"parameters":{"binary_data_size":16}}]}' + FEATURES.tobytes() + WEIGHT.tobytes(),
)
CODINGS = [None, "gzip", "deflate"]


@pytest.fixture(scope="module")
def identities(folder: Path) -> Iterator[Server]:
    """A model with an input of each datatype that comes back as it went in."""
    inputs = {f"x_{name}": array.tolist() for name, (_, array) in VALUES.items()}
    check = {"request": {"inputs": inputs}, "expect": {"y_int64": VALUES["int64"][1].tolist()}}
    with processes.running(processes.config_for(onnx_models.identities(folder), check), folder) as server:
        yield server


def client(server: Server) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(f"127.0.0.1:{server.port}")


def given(name: str, datatype: str, array: np.ndarray[Any, Any], module: Any = triton, **how: bool) -> Any:
    tensor = module.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, **how)
    return tensor


def tabular_inputs(**how: bool) -> list[Any]:
    return [given("weight", "INT64", WEIGHT, **how), given("features", "FP32", FEATURES, **how)]


def test_tritonclient_infers_with_its_defaults(tabular: Server) -> None:
    result = client(tabular).infer("tabular", tabular_inputs(), request_id="42")
    assert result.as_numpy("score").tolist() == [[12], [-3]]
    assert result.as_numpy("rank").tolist() == [[4], [-2]]
    assert result.get_response()["id"] == "42"
    assert result.get_output("score")["parameters"] == {"binary_data_size": 8}


def test_tritonclient_s_asyncio_client_infers_with_its_defaults(tabular: Server) -> None:
    async def ask(binary_data: bool) -> Any:
        async with triton_aio.InferenceServerClient(f"127.0.0.1:{tabular.port}") as asking:
            return await asking.infer("tabular", tabular_inputs(binary_data=binary_data))

    for binary_data in (True, False):
        assert asyncio.run(ask(binary_data)).as_numpy("score").tolist() == [[12], [-3]]


@pytest.mark.parametrize("request_coding", CODINGS)
@pytest.mark.parametrize("answer_coding", CODINGS)
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("outputs", ["all", "binary", "json", "mixed"])
def test_tritonclient_s_ways_to_send_and_to_ask_all_give_the_same(
    tabular: Server, request_coding: str | None, answer_coding: str | None, binary_in: bool, outputs: str
) -> None:
    named = {
        "all": None,
        "binary": [triton.InferRequestedOutput("rank"), triton.InferRequestedOutput("score")],
        "json": [triton.InferRequestedOutput(name, binary_data=False) for name in ("score", "rank")],
        "mixed": [triton.InferRequestedOutput("score", binary_data=False), triton.InferRequestedOutput("rank")],
    }[outputs]
    result = client(tabular).infer(
        "tabular",
        tabular_inputs(binary_data=binary_in),
        outputs=named,
        request_compression_algorithm=request_coding,
        response_compression_algorithm=answer_coding,
        priority=1,
        timeout=1_000_000,
        sequence_id=7,
        sequence_start=True,
        parameters={"anything": "else"},
    )
    assert result.as_numpy("score").tolist() == [[12], [-3]]
    assert result.as_numpy("rank").tolist() == [[4], [-2]]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_every_datatype_comes_back_as_it_went_in(identities: Server, binary_in: bool, binary_out: bool) -> None:
    inputs = [given(f"x_{name}", datatype, array, binary_data=binary_in) for name, (datatype, array) in VALUES.items()]
    outputs = [triton.InferRequestedOutput(f"y_{name}", binary_data=binary_out) for name in VALUES]
    result = client(identities).infer("identities", inputs, outputs=outputs)
    for name, (datatype, array) in VALUES.items():
        back = result.as_numpy(f"y_{name}").tolist()
        texts = [text.decode() if isinstance(text, bytes) else text for text in back]
        assert (texts if datatype == "BYTES" else back) == array.tolist(), name
        assert result.get_output(f"y_{name}")["datatype"] == datatype


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("binary", [True, False])
def test_a_large_answer_is_compressed_for_who_asks(identities: Server, coding: str, binary: bool) -> None:
    many = {
        name: (datatype, np.array([f"{i} ä" for i in range(20_000)], np.object_) if name == "string" else array[:0])
        for name, (datatype, array) in VALUES.items()
    }
    inputs = [given(f"x_{name}", datatype, array) for name, (datatype, array) in many.items()]
    asked = [triton.InferRequestedOutput("y_string", binary_data=binary)]
    body, head = triton.InferenceServerClient.generate_request_body(inputs, outputs=asked)
    headers = {"accept_encoding": coding, "inference_header_content_length": str(head)}
    answer = identities.ask("POST", "/v2/models/identities/infer", body, **headers)
    assert (answer.status, answer.headers["content-encoding"], answer.headers["vary"]) == (
        200,
        coding,
        "accept-encoding",
    )
    assert len(answer.body) < 120_000
    result = triton.InferenceServerClient.parse_response_body(
        answer.body,
        header_length=int(answer.headers["inference-header-content-length"]) if binary else None,
        content_encoding=coding,
    )
    back = [text.decode() if isinstance(text, bytes) else text for text in result.as_numpy("y_string")]
    assert back == many["string"][1].tolist()


def test_what_is_not_finite_goes_both_ways_as_bytes_and_as_json(folder: Path) -> None:
    check = {"request": [[1, 1]], "expect": {"y": [[0, 0]]}}
    x = np.array([[0, -1], [np.inf, np.nan]], np.float32)
    y = np.array([[-np.inf, np.nan], [np.inf, np.nan]], np.float32)
    with processes.running(processes.config_for(onnx_models.logarithm(folder), check), folder) as server:
        result = client(server).infer("logarithm", [given("x", "FP32", x)])
        np.testing.assert_array_equal(result.as_numpy("y"), y)
        asked = [triton.InferRequestedOutput("y", binary_data=False)]
        result = client(server).infer("logarithm", [given("x", "FP32", x)], outputs=asked)
        assert result.get_output("y")["data"] == ["-Infinity", None, "Infinity", None]
        np.testing.assert_array_equal(result.as_numpy("y"), y)


def test_tritonclient_reads_health_metadata_configuration_statistics_and_index(folder: Path) -> None:
    check = {"request": ["a"], "expect": {"y": "a"}}
    with processes.running(processes.config_for(onnx_models.echo_text(folder), check), folder) as server:
        asking = client(server)
        assert asking.is_server_live()
        assert asking.is_server_ready()
        assert asking.is_model_ready("echo_text", "1.2.3")
        assert asking.get_server_metadata()["extensions"] == ["binary_tensor_data", "model_configuration", "statistics"]
        assert asking.get_model_metadata("echo_text")["inputs"] == [{"name": "x", "datatype": "BYTES", "shape": [-1]}]
        config = asking.get_model_config("echo_text", "1.2.3")
        assert (config["name"], config["backend"], config["max_batch_size"]) == ("echo_text", "onnxruntime", 0)
        assert config["input"] == [{"name": "x", "data_type": "TYPE_STRING", "dims": [-1]}]
        assert asking.get_model_repository_index() == [
            {"name": "echo_text", "version": "1.2.3", "state": "READY", "reason": ""}
        ]
        asking.infer("echo_text", [given("x", "BYTES", np.array(["a", "b", "c"], np.object_))])
        with pytest.raises(InferenceServerException):
            asking.infer("echo_text", [given("x", "FP32", np.zeros(1, np.float32))])
        for name in ("echo_text", ""):
            (stats,) = asking.get_inference_statistics(name)["model_stats"]
            assert (stats["name"], stats["version"], stats["execution_count"]) == ("echo_text", "1.2.3", 1)
            assert stats["inference_stats"]["success"]["count"] == 1
            assert stats["inference_stats"]["fail"]["count"] == 1
            for part in ("success", "queue", "compute_input", "compute_infer", "compute_output"):
                assert stats["inference_stats"][part]["count"] == 1
                assert 0 < stats["inference_stats"][part]["ns"] < 10**10
            assert stats["last_inference"] > 1_700_000_000_000


def test_a_refusal_reaches_tritonclient_in_words(tabular: Server) -> None:
    with pytest.raises(InferenceServerException, match="is no input of this model"):
        client(tabular).infer("tabular", [given("other", "FP32", FEATURES)])
    asked = [triton.InferRequestedOutput("score", class_count=3)]
    with pytest.raises(InferenceServerException, match="classification"):
        client(tabular).infer("tabular", tabular_inputs(), outputs=asked)
    shared = triton.InferRequestedOutput("score")
    shared.set_shared_memory("region", 8)
    with pytest.raises(InferenceServerException, match="shared_memory_region"):
        client(tabular).infer("tabular", tabular_inputs(), outputs=[shared])


@pytest.mark.parametrize(("headers", "body"), [KSERVE_JSON, KSERVE_BYTES])
def test_what_kserve_s_sdk_sends_is_answered_as_it_reads_it(
    tabular: Server, headers: dict[str, str], body: bytes
) -> None:
    answer = tabular.ask("POST", "/v2/models/tabular/infer", body, **KSERVE_HEADERS, **headers)
    assert answer.status == 200, answer.body
    assert (answer.json["model_name"], answer.json["id"]) == ("tabular", "7b1c")
    assert [output["data"] for output in answer.json["outputs"]] == [[12, -3], [4, -2]]


def test_kserve_s_sdk_sends_null_for_the_data_of_an_empty_tensor(folder: Path) -> None:
    check = {"request": {"inputs": {"x": [[1, 2]], "past": [], "none": []}}, "expect": {"present": [[1, 2]]}}
    past = {"name": "past", "shape": [0, 2], "datatype": "FP32", "parameters": {"binary_data_size": 0}, "data": None}
    inputs = [
        {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [3, 4]},
        past,
        {"name": "none", "shape": [0, 2], "datatype": "FP32", "data": []},
    ]
    with processes.running(processes.config_for(onnx_models.cache(folder), check), folder) as server:
        answer = server.post("/v2/models/cache/infer", {"model_name": "cache", "inputs": inputs})
        assert answer.status == 200, answer.body
        assert answer.json["outputs"][0] == {"name": "present", "datatype": "FP32", "shape": [1, 2], "data": [3, 4]}


@pytest.mark.parametrize("field", ["file", "image"])
def test_a_browser_s_form_with_a_file_and_a_button_gets_an_answer(digits: Server, field: str) -> None:
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="seven.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + SEVEN,
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="go"\r\n\r\nSend\r\n--{boundary}--\r\n'.encode(),
    ]
    content_type = f"multipart/form-data; boundary={boundary}"
    answer = digits.ask("POST", "/predict", b"".join(parts), content_type=content_type)
    assert answer.status == 200, answer.body
    assert answer.json["outputs"]["label"] == [7]
