"""Each runtime of the registry keeps what the rest of Slipway goes by."""

import json

import jsonschema
import pytest
from slipway_server.values.config import ServerConfig
from slipway_server.values.errors import BadRequest

from slipway import installation
from slipway.artifacts.golden_request import GoldenRequest
from slipway.artifacts.unread import UNKNOWN
from slipway.commands.project.reference import spec_schema
from slipway.plan.code_digests import code_digests
from slipway.runtimes.base import Answer, BadAnswer, Runtime, Served
from slipway.runtimes.custom import CustomRuntime
from slipway.runtimes.onnxruntime import OnnxRuntime
from slipway.runtimes.registry import RUNTIMES
from slipway.values.names import runtime_repository

CHECK = GoldenRequest("onnxruntime", {"inputs": {"x": [1]}}, {"y": 7}, 2.0)
SERVED = Served("digits", "1.0.0", "/model/model.onnx", 2**20, 30.0, 10.0, {"max_size": 32, "max_wait_ms": 2.0}, CHECK)
EACH = pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=list(RUNTIMES))


@pytest.mark.parametrize("runtime", [one for one in RUNTIMES.values() if one.image], ids=lambda one: one.name)
def test_what_goes_into_an_image_is_in_the_installation(runtime: Runtime) -> None:
    assert runtime.image is not None
    assert installation.resource(runtime.image.requirements).is_file()
    assert (installation.package(runtime.image.package) / "__main__.py").is_file()
    assert code_digests()[runtime.name].server["__main__.py"]


@EACH
def test_the_configuration_has_what_a_record_is_read_by(runtime: Runtime) -> None:
    config = json.loads(json.dumps(runtime.configuration(SERVED)))
    assert config["model"] | {"name": "digits", "version": "1.0.0"} == config["model"]
    assert config["check"] == CHECK.section()
    assert "release" not in config


@EACH
def test_a_repository_can_have_its_name(runtime: Runtime) -> None:
    assert runtime_repository(runtime.name) == f"runtime-{runtime.name}"
    assert RUNTIMES[runtime.name] is runtime


@EACH
def test_more_weights_and_larger_bodies_need_more_memory(runtime: Runtime) -> None:
    assert 0 < runtime.needed_memory(0) < runtime.needed_memory(2**20) < runtime.needed_memory(2**20, 2**20)
    assert runtime.default_max_body(2**30, 2**20) <= runtime.carried_body(2**30, 2**20)


def test_the_schema_has_the_runtimes_of_the_registry() -> None:
    schema = spec_schema()["properties"]["runtime"]
    assert schema["enum"] == list(RUNTIMES)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("caffe", schema)


def test_the_configuration_of_onnxruntime_is_one_that_its_server_takes() -> None:
    ServerConfig.model_validate(OnnxRuntime().configuration(SERVED) | {"release": "1"})


def test_an_answer_is_read_with_its_release() -> None:
    assert OnnxRuntime().answer(b'{"release": "ab", "outputs": {"y": [7]}}', ["y"]) == Answer("ab", {"y": [7]})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>", "is not JSON"),
        (b"[" * 10**5, "is not JSON"),
        (b"[]", "no outputs"),
        (b'{"outputs": 7}', "no outputs"),
    ],
)
def test_what_is_no_answer_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(BadAnswer, match=reason):
        OnnxRuntime().answer(data, ["y"])


ANSWER = b'{"label": 7, "a/b": {"~": [1.5, {"": true}]}, "rows": [[1], [2]], "": 3}'


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("label", 7),
        ("/label", 7),
        ("/a~1b/~0/0", 1.5),
        ("/a~1b/~0/1/", True),
        ("rows", [[1], [2]]),
        ("/rows/1/0", 2),
        ("/", 3),
        ("a/b", {"~": [1.5, {"": True}]}),
    ],
)
def test_an_answer_of_a_server_of_its_own_is_read_by_key_or_by_json_pointer(name: str, found: object) -> None:
    assert CustomRuntime().answer(ANSWER, [name]) == Answer("", {name: found})


@pytest.mark.parametrize(
    "name", ["other", "/rows/2", "/rows/-1", "/rows/01", "/rows/x", "/label/0", "/rows/9999999999"]
)
def test_what_an_answer_does_not_have_is_left_out(name: str) -> None:
    assert CustomRuntime().answer(ANSWER, [name]).outputs == {}


def test_an_answer_of_a_server_of_its_own_may_be_any_json_and_nothing_else() -> None:
    assert CustomRuntime().answer(b"[5]", ["/0"]).outputs == {"/0": 5}
    with pytest.raises(BadAnswer, match="is not JSON"):
        CustomRuntime().answer(b"<html>", ["label"])


def test_nothing_expected_is_refused_since_every_answer_would_be_right() -> None:
    with pytest.raises(BadRequest, match="is empty"):
        CustomRuntime().check_expectation({}, UNKNOWN)
    with pytest.raises(BadRequest):
        CustomRuntime().check_expectation({"label": {"above": 1}}, UNKNOWN)
