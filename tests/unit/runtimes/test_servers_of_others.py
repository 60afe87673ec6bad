"""What servers of others are told is in the words of their own formats; their answers are read as they give them."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from slipway_server.values.signature import Signature, Tensor
from tritonclient.grpc import model_config_pb2

from slipway.runtimes.base import BadAnswer
from slipway.runtimes.others.base import Wanted
from slipway.runtimes.others.mlserver import MLServerRuntime
from slipway.runtimes.others.text_format import Name
from slipway.runtimes.others.text_format import text_format as written
from slipway.runtimes.others.triton import TritonRuntime
from slipway.runtimes.registry import RUNTIMES
from tests.support.others_server import running
from tests.support.planned import others_plan
from tests.support.rounds import FULL

ROWS = Signature(
    (Tensor("pixels", "FP32", (None, 1, 8, 8)), Tensor("words", "BYTES", (None, None))),
    (Tensor("label", "INT64", (None,)), Tensor("scores", "FP32", (None, 10))),
    {},
)
WHOLE = Signature((Tensor("pixels", "FP32", (8, 8)),), (Tensor("label", "INT64", (None,)),), {})


def wanted(signature: Signature = ROWS, **changes: Any) -> Wanted:
    values = {"name": "digits", "weights": "model.onnx", "max_rows": 16, "max_wait_s": 0.002, "threads": 2}
    return Wanted(**{**values, "signature": signature, "timeout_s": 9.5, "built": True, **changes})


def config(what: Wanted) -> Any:
    """config.pbtxt as Triton's own definition of it reads it, which refuses what it does not have."""
    text = TritonRuntime().files(what)["digits/config.pbtxt"]
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_tritons_own_definition_reads_what_triton_is_told() -> None:
    found = config(wanted())
    assert (found.name, found.backend, found.max_batch_size) == ("digits", "python", 16)
    assert found.dynamic_batching.max_queue_delay_microseconds == 2000
    assert list(found.version_policy.specific.versions) == [1]
    assert [(one.name, model_config_pb2.DataType.Name(one.data_type), list(one.dims)) for one in found.input] == [
        ("pixels", "TYPE_FP32", [1, 8, 8]),
        ("words", "TYPE_STRING", [-1]),
    ]
    assert [list(one.dims) for one in found.output] == [[1], [10]]
    assert found.parameters["weights"].string_value == "model.onnx"


def test_an_image_of_nvidias_runs_the_model_by_its_own_backend() -> None:
    found = config(wanted(built=False))
    assert (found.backend, found.default_model_filename) == ("onnxruntime", "model.onnx")
    assert found.output[0].HasField("reshape")
    assert not found.output[0].reshape.shape
    assert "digits/1/model.py" not in TritonRuntime().files(wanted(built=False))


@pytest.mark.parametrize("what", [wanted(WHOLE), wanted(max_rows=1)])
def test_rows_are_not_put_together_where_the_model_has_none_or_the_spec_forbids_it(what: Wanted) -> None:
    found = config(what)
    assert found.max_batch_size == 0
    assert not found.HasField("dynamic_batching")
    assert found.input[0].dims[0] == (8 if what.signature is WHOLE else -1)


def test_a_stop_of_triton_waits_for_the_longest_request() -> None:
    assert "--exit-timeout-secs=10" in TritonRuntime().arguments(wanted())
    assert TritonRuntime().arguments(wanted(extra=("--log-verbose=1",)))[-1] == "--log-verbose=1"


def test_mlserver_finds_its_settings_and_the_weights_where_they_are() -> None:
    made = MLServerRuntime()
    files = made.files(wanted())
    model = json.loads(files["digits/model-settings.json"])
    assert model["parameters"]["uri"] == f"/model/{made.weights_path(wanted())}"
    assert (model["max_batch_size"], model["max_batch_time"]) == (16, 0.002)
    assert json.loads(files["digits/model-settings.json"])["name"] == "digits"
    single = json.loads(made.files(wanted(max_rows=1))["digits/model-settings.json"])
    assert single["max_batch_size"] == 0


def test_text_format_writes_what_protobuf_reads() -> None:
    message = {"name": 'a"b\\c\nd é', "max_batch_size": 3, "input": [{"name": "x", "data_type": Name("TYPE_BOOL")}]}
    found = text_format.Parse(written(message), model_config_pb2.ModelConfig())
    assert found.name == 'a"b\\c\nd é'
    assert found.input[0].data_type == model_config_pb2.TYPE_BOOL


def test_an_answer_is_read_by_output_as_nested_lists() -> None:
    data = json.dumps({"outputs": [{"name": "y", "datatype": "FP32", "shape": [2, 1, 2], "data": [1, 2, 3, 4]}]})
    assert TritonRuntime().answer(data.encode(), ["y"]).outputs == {"y": [[[1, 2]], [[3, 4]]]}


@pytest.mark.parametrize("data", [b"no", b"{}", b'{"outputs": 3}', b'{"outputs": [{"name": "y"}]}', b"[]"])
def test_an_answer_of_another_form_is_a_bad_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        TritonRuntime().answer(data, ["y"])


@pytest.mark.skipif(not FULL, reason="their wheels have 300 MB: make soak runs this")
@pytest.mark.parametrize("name", ["on-mlserver", "on-triton"])
def test_a_server_started_as_in_its_image_answers_the_golden_request_and_gives_metrics(
    name: str, tmp_path: Path
) -> None:
    model = others_plan("open").find(name, tmp_path)
    own = model.spec.own_server
    assert own is not None
    assert own.metrics is not None
    with running(model, tmp_path) as server:
        runtime = RUNTIMES[model.check.runtime]
        answer = runtime.answer(server.post(own.predict, runtime.body(model.check.request)), model.check.expect)
        assert answer.outputs["label"] == [[1]]
        assert answer.outputs["scores"] == [[0, 2, 1]]
        assert b"# TYPE" in server.get(own.metrics[1], server.metrics_port)
        server.process.terminate()
        assert server.process.wait(timeout=30) in (0, -15)
