"""What an answer predicted is told in a header, of what leaves the server and nothing else, over HTTP and gRPC."""

import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import rpc_clients
import step_models
from processes import START_LIMIT_S, config_for, running, start
from slipway_server.steps.labels import Predictions
from slipway_server.steps.report import MOST_BYTES, Report
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import OutputSection, QualitySection

PETS = ["cat", "dog", "owl"]
SCORES, BEST = Tensor("scores", "FP32", (None, 3)), Tensor("best", "INT64", (None,))
NAME, PRICE = Tensor("name", "BYTES", (None, 1)), Tensor("price", "FP32", (None, 1))
ODD = Tensor("odd", "BOOL", (None,))
MAPS = Tensor("shares", "seq(map(string,tensor(float)))", ())
OUTPUTS = (SCORES, BEST, NAME, PRICE, ODD, MAPS)


def made(output: str, after: OutputSection | None = None, labels: list[str] | None = None, **fields: str) -> Report:
    section = QualitySection.model_validate({"task": "classification", "output": output, **fields})
    return Report(section, after, labels, Signature((), OUTPUTS, {}))


def told(report: Report, *rows: Any) -> dict[str, Any]:
    kinds: dict[str, Any] = {"name": np.object_, "best": np.int64, "odd": np.bool_}
    array = np.array(rows, kinds.get(report.output, np.float32))
    said = report.of({report.output: array}, "1.2.0")
    assert said.isascii() and b"\n" not in said
    document: dict[str, Any] = json.loads(said)
    assert document.pop("version") == "1.2.0"
    return document


def test_of_scores_the_best_class_is_told_by_its_number() -> None:
    rows = ([0.1, 0.5, 0.5], [float("nan"), 0.1, 0.2], [0.9, 0, 0])
    assert told(made("scores"), *rows) == {"rows": 3, "predicted": ["1", "2", "0"]}
    assert told(made("scores"), 0.1, 0.9, 0.0) == {"rows": 1, "predicted": ["1"]}


def test_with_labels_it_is_told_by_its_label_and_the_positive_classs_score_beside_it() -> None:
    after = OutputSection(labels=PETS, of="scores")
    found = told(made("scores", after, PETS, positive="owl"), [0.1, 0.5, 0.4], [0.1, 0.2, float("nan")])
    assert found == {"rows": 2, "predicted": ["dog", "dog"], "scores": [0.4, None]}
    shares = told(made("scores", OutputSection(softmax=True, of="scores"), None, positive="2"), [0, 0, 0])
    assert shares["scores"] == [pytest.approx(1 / 3)]


def test_it_is_the_class_that_predictions_name_first() -> None:
    rows = np.random.default_rng(3).integers(0, 3, (60, 3)).astype(np.float32)
    after = OutputSection(labels=PETS, of="scores")
    named = Predictions(after, PETS, Signature((), OUTPUTS, {})).of({"scores": rows}, single=False)
    assert told(made("scores", after, PETS), *rows)["predicted"] == [row[0]["label"] for row in named]


def test_numbers_texts_and_truth_values_are_told_as_they_are() -> None:
    assert told(made("best"), 7, -1)["predicted"] == ["7", "-1"]
    assert told(made("name"), ["ü\0"], ["cat"])["predicted"] == ["ü\ufffd", "cat"]
    assert told(made("odd"), True, False)["predicted"] == ["true", "false"]
    numbers = made("price", task="regression")
    assert [float(one) for one in told(numbers, [0.1], [-3e30], [float("nan")])["predicted"]] == pytest.approx(
        [0.1, -3e30, float("nan")], nan_ok=True
    )


def test_of_many_rows_the_first_are_told_and_their_number() -> None:
    found = told(made("best"), *range(1000))
    assert (found["rows"], found["predicted"]) == (1000, [str(number) for number in range(64)])


def test_a_report_is_never_longer_than_a_header_may_be() -> None:
    found = told(made("name"), *([f"{number}" + "ü" * 490] for number in range(64)))
    assert (found["rows"], len(found["predicted"])) == (64, 1)
    assert len(made("name").of({"name": np.array([["ü" * 500] * 64], np.object_)}, "1" * 50)) <= MOST_BYTES


def refused(output: str, after: OutputSection | None = None, labels: list[str] | None = None, **fields: str) -> str:
    with pytest.raises(BadRequest) as caught:
        made(output, after, labels, **fields)
    return str(caught.value)


def test_what_gives_no_class_or_number_for_each_row_is_refused() -> None:
    assert "quality.output" in (said := refused("nothing")) and "scores, best, name, price, odd, shares" in said
    assert "gives no class" in refused("shares") and "gives no class" in refused("price")
    assert "gives no number" in refused("scores", task="regression")
    assert "gives no number" in refused("name", task="regression")
    assert "quality.positive" in (said := refused("scores", positive="3")) and "0 to 2" in said
    assert "one of output.labels" in refused("scores", OutputSection(labels=PETS, of="scores"), PETS, positive="2")


ROW = [0.125, 0.5, 0.375]
QUALITY = {"task": "classification", "output": "scores", "positive": "2"}
PREDICTED = "x-slipway-predicted"


def config(folder: Path, **changes: object) -> dict[str, Any]:
    check = {"request": {"inputs": {"x": [ROW]}}, "expect": {"best": [1]}}
    return config_for(step_models.scores(folder), check, **changes)


def test_every_answer_tells_the_same_and_none_of_it_is_hidden_by_the_spec(tmp_path: Path) -> None:
    wanted = {"version": "1.2.3", "rows": 1, "predicted": ["1"], "scores": [0.4]}
    asked = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": ROW}
    infer = "/v2/models/scores/infer"
    coarse = config(tmp_path, quality=QUALITY, output={"round": 1})
    with rpc_clients.running(coarse, tmp_path) as (server, address):
        found = [
            server.post("/predict", {"inputs": {"x": [ROW]}}),
            server.post(infer, {"inputs": [asked]}),
            server.post(infer, {"inputs": [asked], "outputs": [{"name": "best"}]}),
        ]
        assert [json.loads(one.headers[PREDICTED]) for one in found] == [wanted] * 3
        failed = server.post("/predict", {"inputs": {"y": [ROW]}})
        assert (failed.status, PREDICTED in failed.headers) == (400, False)
        tensor = rpc_clients.request("scores", inputs=[{"name": "x", "datatype": "FP32", "shape": [1, 3]}])
        tensor.inputs[0].contents.fp32_contents.extend(ROW)
        with grpc.insecure_channel(address) as channel:
            call = channel.unary_unary(rpc_clients.INFER).with_call(tensor.SerializeToString(), timeout=60)[1]
        assert json.loads(dict(call.initial_metadata())[PREDICTED]) == wanted


def test_without_the_section_nothing_is_told(tmp_path: Path) -> None:
    with running(config(tmp_path), tmp_path) as server:
        assert PREDICTED not in server.post("/predict", {"inputs": {"x": [ROW]}}).headers


def test_a_section_that_does_not_fit_the_model_stops_the_start(tmp_path: Path) -> None:
    server = start(config(tmp_path, quality=QUALITY | {"output": "other"}), tmp_path)
    assert server.process.wait(START_LIMIT_S) == 1
    assert "`quality.output` is 'other', which the model does not give; allowed: best, scores" in server.log.read_text()
