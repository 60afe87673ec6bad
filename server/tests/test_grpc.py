"""The protocol over gRPC gives what it gives over HTTP: the same answers, the same words, health and counts."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnx_models
import processes
import pytest
import rpc_clients
import step_models
import tritonclient.grpc.aio as triton_aio
from processes import Server
from rpc_clients import ask, client, given, refusal, request
from slipway_server.rpc.messages import InferRequestMessage, message
from slipway_server.values.bfloat16 import to_bits
from test_clients import FEATURES, VALUES, WEIGHT
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

Speaking = tuple[Server, str]
LISTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


@pytest.fixture(scope="module")
def identities(folder: Path) -> Iterator[Speaking]:
    inputs = {f"x_{name}": array.tolist() for name, (_, array) in VALUES.items()}
    check = {"request": {"inputs": inputs}, "expect": {"y_int64": VALUES["int64"][1].tolist()}}
    config = processes.config_for(onnx_models.identities(folder), check, max_body_bytes=4 * 2**20)
    with rpc_clients.running(config, folder) as speaking:
        yield speaking


@pytest.fixture(scope="module")
def tabular(folder: Path) -> Iterator[Speaking]:
    check = {"request": {"inputs": {"features": [[1, 2, 3]], "weight": [[2]]}}, "expect": {"score": 12, "rank": 4}}
    with rpc_clients.running(processes.config_for(onnx_models.tabular(folder), check), folder) as speaking:
        yield speaking


@pytest.mark.parametrize("name", sorted(InferRequestMessage.DESCRIPTOR.file.message_types_by_name))
def test_messages_are_those_of_triton_s_client(name: str) -> None:
    same(message(name).DESCRIPTOR, service_pb2.DESCRIPTOR.message_types_by_name[name])


def same(ours: Any, theirs: Any) -> None:
    for field in ours.fields:
        other = theirs.fields_by_name[field.name]
        assert (field.number, field.type, field.is_repeated) == (other.number, other.type, other.is_repeated), other
        if field.message_type is not None:
            assert field.message_type.GetOptions().map_entry == other.message_type.GetOptions().map_entry
            same(field.message_type, other.message_type)


def entry(name: str, datatype: str, array: np.ndarray[Any, Any], **more: Any) -> Any:
    return service_pb2.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=array.shape, **more)


def test_every_datatype_comes_back_from_triton_s_client_as_it_went_in(identities: Speaking) -> None:
    inputs = [given(f"x_{name}", datatype, array) for name, (datatype, array) in VALUES.items()]
    result = client(identities[1]).infer("identities", inputs, request_id="7b1c")
    assert result.get_response().id == "7b1c"
    for name, (datatype, array) in VALUES.items():
        back = result.as_numpy(f"y_{name}").tolist()
        texts = [text.decode() if isinstance(text, bytes) else text for text in back]
        assert (texts if datatype == "BYTES" else back) == array.tolist(), name
        assert result.get_output(f"y_{name}").datatype == datatype


def test_an_input_that_is_missing_is_refused_in_the_words_of_http(identities: Speaking) -> None:
    server, address = identities
    inputs, entries = [], []
    for name, (datatype, array) in VALUES.items():
        values = [text.encode() for text in array] if datatype == "BYTES" else array.tolist()
        if datatype in LISTS:
            inputs.append(entry(f"x_{name}", datatype, array, contents={LISTS[datatype]: values}))
        entries.append({"name": f"x_{name}", "datatype": datatype, "shape": [2], "data": array.tolist()})
    over_http = server.post("/v2/models/identities/infer", {"inputs": [e for e in entries if e["datatype"] != "FP16"]})
    assert "`inputs.x_float16` is missing" in over_http.json["error"]
    assert refusal(address, request("identities", inputs=inputs)) == ("INVALID_ARGUMENT", over_http.json["error"])


def test_lists_go_both_ways(tabular: Speaking) -> None:
    server, address = tabular
    inputs = [
        entry("weight", "INT64", WEIGHT, contents={"int64_contents": WEIGHT.ravel().tolist()}),
        entry("features", "FP32", FEATURES, contents={"fp32_contents": FEATURES.ravel().tolist()}),
    ]
    answer = ask(address, request("tabular", inputs=inputs, model_version="1.2.3", outputs=[{"name": "score"}]))
    assert [one.name for one in answer.outputs] == ["score"]
    assert list(answer.outputs[0].contents.fp32_contents) == [12, -3]
    assert (answer.model_name, answer.model_version, len(answer.raw_output_contents)) == ("tabular", "1.2.3", 0)
    documents = [
        {"name": "weight", "datatype": "INT64", "shape": [2, 1], "data": [2, -1]},
        {"name": "features", "datatype": "FP32", "shape": [2, 3], "data": FEATURES.ravel().tolist()},
    ]
    over_http = server.post("/v2/models/tabular/infer", {"inputs": documents, "outputs": [{"name": "score"}]}).json
    assert over_http["outputs"][0]["data"] == list(answer.outputs[0].contents.fp32_contents)


def test_texts_go_both_ways_in_lists(folder: Path) -> None:
    check = {"request": ["a"], "expect": {"y": "a"}}
    with rpc_clients.running(processes.config_for(onnx_models.echo_text(folder), check), folder) as (_, address):
        texts = np.array(["größe\x00", ""], np.object_)
        inputs = [entry("x", "BYTES", texts, contents={"bytes_contents": [text.encode() for text in texts]})]
        answer = ask(address, request("echo_text", inputs=inputs))
        assert [text.decode() for text in answer.outputs[0].contents.bytes_contents] == texts.tolist()
        inputs[0].contents.bytes_contents[1] = b"ab\xff"
        code, words = refusal(address, request("echo_text", inputs=inputs))
        assert (code, words) == (
            "INVALID_ARGUMENT",
            "`inputs.x.contents.bytes_contents[1]` has the byte 0xff, which is not UTF-8; allowed: texts in UTF-8",
        )


def test_bfloat16_goes_both_ways_as_bytes(folder: Path) -> None:
    check = {"request": {"input": [[1.5, 2]]}, "expect": {"y": [[3, 4]], "half": [[1.5, 2]]}}
    with rpc_clients.running(processes.config_for(step_models.brief(folder), check), folder) as (_, address):
        array = np.array([[1.5, -3]], np.float32)
        one = entry("x", "BF16", array)
        message = request("brief", inputs=[one], raw_input_contents=[to_bits(array).tobytes()])
        message.outputs.add(name="y")
        assert np.frombuffer(ask(address, message).raw_output_contents[0], np.uint16).tolist() == [0x4040, 0xC0C0]
        listed = entry("x", "BF16", array, contents={"fp32_contents": [1.5, -3]})
        assert refusal(address, request("brief", inputs=[listed])) == (
            "INVALID_ARGUMENT",
            "`inputs.x.contents` has no list for BF16; allowed: the tensor as bytes, in raw_input_contents",
        )


def test_the_client_reads_health_and_metadata(tabular: Speaking) -> None:
    server, address = tabular
    asking = client(address)
    assert asking.is_server_live()
    assert asking.is_server_ready()
    assert asking.is_model_ready("tabular", "1.2.3")
    assert asking.get_server_metadata(as_json=True)["name"] == server.ask("GET", "/v2").json["name"]
    said = asking.get_model_metadata("tabular")
    over_http = server.ask("GET", "/v2/models/tabular").json
    assert (said.name, list(said.versions), said.platform) == ("tabular", ["1.2.3"], "onnxruntime_onnx")
    for kind in ("inputs", "outputs"):
        described = [{"name": t.name, "datatype": t.datatype, "shape": list(t.shape)} for t in getattr(said, kind)]
        assert described == over_http[kind]


def test_grpc_s_own_health_check_is_answered(tabular: Speaking) -> None:
    path = "/grpc.health.v1.Health/Check"
    for service in ("", "inference.GRPCInferenceService"):
        asked = message("HealthCheckRequest", "grpc.health.v1")(service=service)
        assert ask(tabular[1], asked, path) == b"\x08\x01"  # SERVING
    asked = message("HealthCheckRequest", "grpc.health.v1")(service="other")
    assert refusal(tabular[1], asked, path)[0] == "NOT_FOUND"


RAW = FEATURES.tobytes(), WEIGHT.tobytes()
BOTH = [entry("features", "FP32", FEATURES), entry("weight", "INT64", WEIGHT)]


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        (request("other"), "NOT_FOUND", "no model 'other' here; this is tabular"),
        (request("tabular", model_version="2"), "NOT_FOUND", "no version '2' here; this is 1.2.3"),
        (request("tabular"), "INVALID_ARGUMENT", "`inputs` is []; allowed: a list with one object per tensor"),
        (b"\xff\xff", "INVALID_ARGUMENT", "`message` is no ModelInferRequest; allowed: a message in Protocol Buffers"),
        (
            request("tabular", inputs=[entry("x", "FP32", FEATURES)]),
            "INVALID_ARGUMENT",
            "`inputs.x` is no input of this model; allowed: features, weight",
        ),
        (
            request("tabular", inputs=[BOTH[0], BOTH[0]]),
            "INVALID_ARGUMENT",
            "`inputs[1].name` is 'features' for the second time; allowed: each name once",
        ),
        (
            request("tabular", inputs=BOTH, raw_input_contents=RAW[:1]),
            "INVALID_ARGUMENT",
            "`raw_input_contents` has 1 tensors for 2 inputs; allowed: as many as inputs, in their order, or none",
        ),
        (
            request("tabular", inputs=BOTH, raw_input_contents=[RAW[0][:-1], RAW[1]]),
            "INVALID_ARGUMENT",
            "`raw_input_contents[0]` has 23 bytes; allowed: 24 bytes (FP32, shape [2, 3])",
        ),
        (
            request("tabular", inputs=[entry("features", "FP64", FEATURES), BOTH[1]], raw_input_contents=RAW),
            "INVALID_ARGUMENT",
            "`inputs.features.datatype` is 'FP64'; allowed: FP32",
        ),
        (
            request(
                "tabular",
                inputs=[entry("features", "FP32", FEATURES, contents={"fp32_contents": [1]}), BOTH[1]],
                raw_input_contents=RAW,
            ),
            "INVALID_ARGUMENT",
            "`inputs.features.contents` is there beside raw_input_contents; allowed: one of the two",
        ),
        (
            request("tabular", inputs=[entry("features", "FP32", FEATURES, contents={"fp32_contents": [1]}), BOTH[1]]),
            "INVALID_ARGUMENT",
            "`inputs.features.contents.fp32_contents` has 1 values; allowed: 6 values in row-major order",
        ),
        (
            request("tabular", inputs=[entry("features", "FP32", FEATURES, contents={"fp64_contents": [1]}), BOTH[1]]),
            "INVALID_ARGUMENT",
            "`inputs.features.contents.fp64_contents` is there for FP32; allowed: fp32_contents",
        ),
        (
            request(
                "tabular",
                inputs=[
                    entry("features", "FP32", FEATURES, parameters={"shared_memory_region": {"string_param": "r"}}),
                    BOTH[1],
                ],
                raw_input_contents=RAW,
            ),
            "INVALID_ARGUMENT",
            "`inputs.features.parameters.shared_memory_region` is 'r'; allowed: tensors in the body: leave it out",
        ),
        (
            request("tabular", inputs=BOTH, raw_input_contents=RAW, outputs=[{"name": "y"}]),
            "INVALID_ARGUMENT",
            "`outputs.y` is no output of this model; allowed: score, rank",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(tabular: Speaking, sent: Any, code: str, words: str) -> None:
    assert refusal(tabular[1], sent) == (code, words)


def test_a_number_outside_of_its_datatype_is_refused(identities: Speaking) -> None:
    inputs = []
    for name, (datatype, array) in VALUES.items():
        if datatype in LISTS:
            values = [text.encode() for text in array] if datatype == "BYTES" else array.tolist()
            values = [-1, 200] if datatype == "INT8" else values
            inputs.append(entry(f"x_{name}", datatype, array, contents={LISTS[datatype]: values}))
    inputs.append(entry("x_float16", "FP16", np.zeros(2)))
    code, words = refusal(identities[1], request("identities", inputs=inputs))
    assert (code, words) == (
        "INVALID_ARGUMENT",
        "`inputs.x_int8.contents.int_contents[1]` is 200; allowed: INT8 numbers from -128 to 127",
    )


def test_what_the_service_does_not_have_is_unimplemented(tabular: Speaking) -> None:
    assert refusal(tabular[1], b"", "/inference.GRPCInferenceService/RepositoryIndex")[0] == "UNIMPLEMENTED"
    assert refusal(tabular[1], b"", "/other.Service/Method")[0] == "UNIMPLEMENTED"


def test_calls_are_counted_by_method_and_by_the_status_that_they_have_over_http(tabular: Speaking) -> None:
    server, address = tabular
    inputs = [given("weight", "INT64", WEIGHT), given("features", "FP32", FEATURES)]

    def counted(status: int) -> float:
        wanted = f'slipway_requests_total{{route="/v2/models/{{model}}/grpc/infer",status="{status}"}} '
        lines = server.ask("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))

    before = [counted(status) for status in (200, 400, 404)]
    runs = server.ask("GET", "/v2/models/tabular/stats").json["model_stats"][0]["inference_stats"]["success"]["count"]
    for _ in range(3):
        client(address).infer("tabular", inputs)
    for name, wanted in (("tabular", "INVALID_ARGUMENT"), ("other", "NOT_FOUND")):
        assert refusal(address, request(name))[0] == wanted
    assert [counted(status) for status in (200, 400, 404)] == [before[0] + 3, before[1] + 1, before[2] + 1]
    stats = server.ask("GET", "/v2/models/tabular/stats").json["model_stats"][0]["inference_stats"]
    assert stats["success"]["count"] == runs + 3
    assert server.metric("slipway_requests_in_flight") == 1


def test_an_answer_says_for_how_long_the_model_ran(tabular: Speaking) -> None:
    with grpc.insecure_channel(tabular[1]) as channel:
        sent = request("tabular", inputs=BOTH, raw_input_contents=RAW).SerializeToString()
        _, call = channel.unary_unary(rpc_clients.INFER).with_call(sent, timeout=30)
        said = dict(call.initial_metadata())["x-slipway-compute-seconds"]
    assert 0 < float(said) < 5


def test_a_port_that_is_taken_is_said_in_one_line(tabular: Speaking, folder: Path) -> None:
    port = int(tabular[1].rpartition(":")[2])
    server = processes.start(processes.digits_config(grpc={"port": port}), folder)
    assert server.process.wait(60) == 1
    last = json.loads(server.log.read_text().splitlines()[-1])
    assert f"cannot listen on 127.0.0.1:{port}" in json.dumps(last)


def test_compressed_messages_are_refused_unread(tabular: Speaking) -> None:
    inputs = [given("weight", "INT64", WEIGHT), given("features", "FP32", FEATURES)]
    with pytest.raises(InferenceServerException, match="Compression algorithm 'gzip' is disabled"):
        client(tabular[1]).infer("tabular", inputs, compression_algorithm="gzip")
    assert all(line.startswith("{") for line in tabular[0].log.read_text().splitlines())


def test_triton_s_asyncio_client_infers_many_at_once(tabular: Speaking) -> None:
    async def ask_all() -> list[Any]:
        inputs = [given("weight", "INT64", WEIGHT), given("features", "FP32", FEATURES)]
        async with triton_aio.InferenceServerClient(tabular[1]) as asking:
            return await asyncio.gather(*(asking.infer("tabular", inputs) for _ in range(50)))

    assert [one.as_numpy("score").tolist() for one in asyncio.run(ask_all())] == [[[12], [-3]]] * 50
