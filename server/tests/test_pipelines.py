"""A pipeline asks other servers, each a process of its own, and answers as one model does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
import processes
import pytest
from onnx import TensorProto, helper, numpy_helper
from processes import Reply, Server
from slipway_server.pipeline.stages import combined
from slipway_server.values.errors import ModelFault
from test_gate import KEY, pem, signed

PORT = processes.free_port()
# Members are told apart by the last number of a loopback address, which stands where a Service's name is in a cluster.
SERVICES = f"http://127.0.0.{{model}}:{PORT}"
X = {"name": "x", "dtype": "FP32", "shape": [None, 2]}
Y = {"name": "y", "dtype": "FP32", "shape": [None, 2]}
SIGN = {"name": "sign", "dtype": "INT64", "shape": [None]}


def times(folder: Path, factor: float) -> Path:
    """`y` = `x` * factor, and `sign` of the first of each row: 1, 0 or -1."""
    nodes = [
        helper.make_node("Mul", ["x", "factor"], ["y"]),
        helper.make_node("Sign", ["y"], ["signs"]),
        helper.make_node("Gather", ["signs", "first"], ["column"], axis=1),
        helper.make_node("Cast", ["column"], ["sign"], to=TensorProto.INT64),
    ]
    constants = [
        numpy_helper.from_array(np.array(factor, np.float32), "factor"),
        numpy_helper.from_array(np.array(0, np.int64), "first"),
    ]
    inputs = [onnx_models.value("x", TensorProto.FLOAT, ["N", 2])]
    outputs = [
        onnx_models.value("y", TensorProto.FLOAT, ["N", 2]),
        onnx_models.value("sign", TensorProto.INT64, ["N"]),
    ]
    return onnx_models.save(folder / f"times{factor:g}.onnx", nodes, inputs, outputs, constants)


FACTORS = {"2": 2.0, "3": 3.0, "4": -4.0, "5": 2.0, "6": 2.0, "7": 2.0}


def member(folder: Path, name: str, **changes: Any) -> dict[str, Any]:
    check = {"request": {"input": [[1, 2]]}, "expect": {"y": [[FACTORS[name], 2 * FACTORS[name]]]}}
    config = processes.config_for(times(folder, FACTORS[name]), check, **changes)
    return config | {"model": config["model"] | {"name": name}, "host": f"127.0.0.{name}", "port": PORT}


@pytest.fixture(scope="module")
def members(folder: Path) -> Iterator[dict[str, Server]]:
    """The servers of three models, which differ in a factor."""
    with (
        processes.running(member(folder, "2"), folder) as two,
        processes.running(member(folder, "3"), folder) as three,
        processes.running(member(folder, "4"), folder) as four,
    ):
        yield {"2": two, "3": three, "4": four}


def stage(*models: str, **more: Any) -> dict[str, Any]:
    outputs = more.pop("outputs", {"y": "y", "sign": "sign"})
    return {
        "models": list(models),
        "inputs": [X | {"value": more.pop("x", "x")}],
        "outputs": [one | {"value": outputs[one["name"]]} for one in (Y, SIGN)],
        **more,
    }


def pipeline(stages: list[dict[str, Any]], expect: dict[str, Any], **changes: Any) -> dict[str, Any]:
    section = {"services": SERVICES, "inputs": [X], "outputs": [Y, SIGN], "stages": stages}
    check = {"request": {"input": [[1, 2], [-1, 3]]}, "expect": expect, "timeout_s": 30.0}
    whole = {"model": {"name": "whole", "version": "1.0.0"}, "pipeline": section, "check": check}
    rest = {"release": "0123abcd", "host": "127.0.0.1", "port": processes.free_port(), "drain_s": 0.0}
    return whole | rest | changes


def answer(reply: Reply) -> Any:
    assert reply.status == 200, reply.body
    return reply.json["outputs"]


def test_what_one_model_answers_the_next_one_is_asked(members: dict[str, Server], folder: Path) -> None:
    stages = [stage("2"), stage("3", x="y")]
    with processes.running(pipeline(stages, {"y": [[6, 12], [-6, 18]]}), folder) as server:
        assert answer(server.post("/predict", [[5, 1]])) == {"y": [[30.0, 6.0]], "sign": [1]}
        meta = server.ask("GET", "/v2/models/whole").json
        assert [one["name"] for one in meta["inputs"]] == ["x"]
        infer = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 1]}]}
        outputs = server.post("/v2/models/whole/infer", infer).json["outputs"]
        assert {one["name"]: one["data"] for one in outputs} == {"y": [6.0, 6.0], "sign": [1]}


def test_an_answer_says_which_releases_were_asked(members: dict[str, Server], folder: Path) -> None:
    with processes.running(pipeline([stage("2", "3")], {"sign": [1, -1]}), folder) as server:
        reply = server.post("/predict", [[5, 1]])
        assert reply.json["releases"] == {"2": "0123abcd", "3": "0123abcd"}
        assert reply.headers["x-slipway-release"] == "0123abcd"
        assert "releases" not in members["2"].ask("POST", "/predict", b"[[5, 1]]").json


def test_an_ensemble_averages_numbers_and_counts_what_most_say(members: dict[str, Server], folder: Path) -> None:
    with processes.running(pipeline([stage("2", "3", "4")], {"sign": [1, -1]}), folder) as server:
        assert answer(server.post("/predict", [[3, -6]])) == {"y": [[1.0, -2.0]], "sign": [1]}


def test_a_switch_asks_a_model_for_each_row_and_keeps_their_order(members: dict[str, Server], folder: Path) -> None:
    first = stage("2", outputs={"y": "doubled", "sign": "side"})
    second = stage(x="doubled", switch="side", cases={"1": "3", "-1": "4"}, default="2")
    with processes.running(pipeline([first, second], {"y": [[6, 12], [8, -24]]}), folder) as server:
        rows = [[1, 1], [-1, 1], [0, 1], [2, 0]]
        assert answer(server.post("/predict", rows))["y"] == [[6, 6], [8, -8], [0, 4], [12, 0]]


def test_a_switch_without_a_default_says_what_it_has_no_case_for(members: dict[str, Server], folder: Path) -> None:
    first = stage("2", outputs={"y": "doubled", "sign": "side"})
    second = stage(x="doubled", switch="side", cases={"1": "3", "-1": "4"})
    with processes.running(pipeline([first, second], {"y": [[6, 12], [8, -24]]}), folder) as server:
        reply = server.post("/predict", [[0, 1]])
        assert (reply.status, "`side` is '0' in row 0" in reply.json["error"]) == (400, True)


def test_a_model_that_goes_away_is_named_and_the_pipeline_answers_again_with_it(folder: Path) -> None:
    config = pipeline([stage("5")], {"sign": [1, -1]})
    with processes.running(member(folder, "5"), folder) as two, processes.running(config, folder) as server:
        assert answer(server.post("/predict", [[5, 1]]))["y"] == [[10.0, 2.0]]
        two.process.kill()
        two.process.wait()
        reply = server.post("/predict", [[5, 1]])
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert "model 5 of the pipeline cannot be reached" in reply.json["error"]
        with processes.running(member(folder, "5"), folder):
            assert answer(server.post("/predict", [[5, 1]]))["y"] == [[10.0, 2.0]]


def test_a_pipeline_waits_for_its_models_and_says_so(folder: Path) -> None:
    server = processes.start(pipeline([stage("6")], {"sign": [1, -1]}), folder)
    try:
        while b'"waiting"' not in server.log.read_bytes():
            assert server.process.poll() is None, server.log.read_text()
        with processes.running(member(folder, "6"), folder):
            processes.wait_until_ready(server)
            assert answer(server.post("/predict", [[5, 1]]))["y"] == [[10.0, 2.0]]
    finally:
        server.process.kill()
        server.process.wait()


def test_models_behind_a_gateway_are_asked_by_the_callers_own_pass(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_bytes(pem(KEY))
    gate = {"gate": {"public_key": str(tmp_path / "public.pem")}}
    config = pipeline([stage("7")], {"sign": [1, -1]}, **gate)
    with processes.running(member(folder, "7", **gate), folder), processes.running(config, folder) as server:

        def ask(audience: object) -> Reply:
            return server.ask("POST", "/predict", b"[[5, 1]]", x_slipway_pass=signed(aud=audience))

        assert answer(ask(["model/whole", "model/7"]))["y"] == [[10.0, 2.0]]
        only = ask("model/whole")
        assert (only.status, "HTTP 403" in only.json["error"]) == (500, True)
        assert ask("model/7").status == 403
        assert server.post("/predict", [[5, 1]]).status == 403


def test_a_model_that_answers_otherwise_than_it_did_is_the_pipelines_fault(
    members: dict[str, Server], folder: Path
) -> None:
    stages = [stage("2") | {"outputs": [Y | {"value": "y"}, SIGN | {"value": "sign", "dtype": "INT32"}]}]
    config = pipeline(stages, {"sign": [1, -1]})
    server = processes.start(config, folder)
    assert server.process.wait(processes.START_LIMIT_S) == 1
    assert b"its output sign is INT64, not INT32" in server.log.read_bytes()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"services": "http://elsewhere/"}, "services"),
        ({"stages": [stage("2", x="z")]}, "nothing gives z"),
        ({"outputs": [X | {"name": "w"}]}, "nothing gives w"),
    ],
)
def test_a_pipeline_that_does_not_go_together_is_refused_at_start(
    folder: Path, section: dict[str, Any], said: str
) -> None:
    config = pipeline([stage("2")], {})
    server = processes.start(config | {"pipeline": config["pipeline"] | section}, folder)
    assert server.process.wait(processes.START_LIMIT_S) == 1
    assert said in server.log.read_text()


def test_texts_are_counted_and_the_first_of_equals_wins() -> None:
    def texts(*words: str) -> dict[str, Any]:
        return {"word": np.array(words, np.object_)}

    answers = [texts("a", "a", "x"), texts("b", "b", "y"), texts("c", "b", "z")]
    assert combined(["1", "2", "3"], answers)["word"].tolist() == ["a", "b", "x"]


def test_answers_of_different_shapes_are_not_averaged() -> None:
    with pytest.raises(ModelFault, match="shape"):
        combined(["1", "2"], [{"y": np.zeros((1, 2))}, {"y": np.zeros((2, 2))}])
