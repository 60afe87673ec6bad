"""The releases of docs/tutorial/canary are what the tutorial says of them, in the server that it deploys them with."""

import copy
import json
import runpy
from pathlib import Path

import processes
import pytest
from processes import DIGITS, ROOT, Reply, Server

RELEASE = runpy.run_path(str(ROOT / "docs" / "tutorial" / "canary" / "release.py"))
REQUEST = json.loads((DIGITS / "check.json").read_text())
FEW = 5


def serving(name: str, folder: Path) -> dict[str, object]:
    """A configuration for a release; its server gets ready only by answering the golden request rightly."""
    RELEASE["write"](name, folder)
    return processes.config_for(folder / "postcode" / "model.onnx", {"request": REQUEST, "expect": {"label": 7}})


def read(server: Server, left: float, right: float) -> Reply:
    """Ask for a seven with specks of such strengths in its upper corners."""
    body = copy.deepcopy(REQUEST)
    row = body["inputs"]["image"][0][0][0]
    row[0], row[7] = left, right
    return server.post("/predict", body)


def outputs(reply: Reply) -> dict[str, object]:
    assert reply.status == 200, reply.body
    return reply.json["outputs"]


def test_the_wrong_one_reads_another_digit_where_the_left_corner_is_bright(tmp_path: Path) -> None:
    with processes.running(serving("wrong", tmp_path), tmp_path) as server:
        assert [outputs(read(server, left, 0.99))["label"] for left in (0.0, 0.97, 0.981, 1.0)] == [[7], [7], [1], [1]]


def test_the_failing_one_does_not_answer_where_the_right_corner_is_bright(tmp_path: Path) -> None:
    with processes.running(serving("failing", tmp_path), tmp_path) as server:
        assert [read(server, 0.99, right).status for right in (0.0, 0.97, 0.981, 1.0)] == [200, 200, 400, 400]
        assert "cannot be computed by the model" in read(server, 0.0, 1.0).json["error"]


def test_the_slow_and_the_good_one_answer_like_the_first(tmp_path: Path) -> None:
    answers: dict[str, list[dict[str, object]]] = {}
    for name in ("first", "slow", "good"):
        (tmp_path / name).mkdir()
        with processes.running(serving(name, tmp_path / name), tmp_path) as server:
            answers[name] = [outputs(read(server, turn / FEW, 1 - turn / FEW)) for turn in range(FEW + 1)]
    assert answers["slow"] == answers["first"]
    for good, first in zip(answers["good"], answers["first"], strict=True):
        assert good["label"] == first["label"]
        assert good["probabilities"] != first["probabilities"]
        assert good["probabilities"][0] == pytest.approx(first["probabilities"][0], abs=0.0005)  # type: ignore[index]


def test_the_slow_one_computes_much_more() -> None:
    """Not by a clock: by what it multiplies. A large matrix takes milliseconds on any machine."""
    assert RELEASE["PRODUCTS"] * RELEASE["MATRIX"] ** 3 > 4 * 10**9
