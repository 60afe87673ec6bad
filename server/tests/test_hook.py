"""A user's own functions read bodies and make answers, and whatever they do, the server goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import step_models
from processes import START_LIMIT_S, Server, config_for, running, start

HOOK = """
import os
import sys
import time

import numpy as np


def before(body):
    if isinstance(body, bytes):
        return {"x": np.array([[len(body), 0, 0]])}
    kind = body["kind"]
    if kind == "refuse":
        raise ValueError("no such kind")
    if kind == "fail":
        raise KeyError("secret-place")
    if kind == "leave":
        sys.exit(3)
    if kind == "die":
        os._exit(3)
    if kind == "hang":
        time.sleep(60)
    if kind == "wrong":
        return {"y": [[1, 2, 3]]}
    if kind == "shape":
        return {"x": [[1, 2]]}
    if kind == "unsendable":
        return {"x": lambda: 1}
    return {"x": [body["x"]]}


def after(outputs):
    if outputs["best"][0] == 2:
        return {1, 2}
    return {"winner": int(outputs["best"][0]), "shares": outputs["scores"][0]}
"""


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    path = folder / "hooks.py"
    path.write_text(HOOK)
    check = {"request": {"kind": "x", "x": [0, 1, 0]}, "expect": {"best": 1}}
    steps = {"input": {"hook": str(path)}, "output": {"hook": str(path)}}
    model = step_models.scores(folder, name="hooked")
    with running(config_for(model, check, timeout_s=2.0, **steps), folder) as started:
        yield started


def test_both_functions_stand_around_the_model(server: Server) -> None:
    answer = server.post("/predict", {"kind": "x", "x": [3, 4, 0]})
    assert answer.json["predictions"] == {"winner": 1, "shares": [3.0, 4.0, 0.0]}
    assert answer.json["outputs"]["best"] == [1]


def test_a_file_comes_to_the_function_as_bytes(server: Server) -> None:
    assert server.ask("POST", "/predict", b"12345", content_type="image/png").json["outputs"]["scores"] == [[5, 0, 0]]


@pytest.mark.parametrize(
    ("kind", "status", "part"),
    [
        ("refuse", 400, "refused by the model's hook: no such kind"),
        ("fail", 500, "`before` of the hook failed: KeyError: 'secret-place'"),
        ("leave", 500, "`before` of the hook failed: SystemExit: 3"),
        ("die", 500, "`before` of the hook ended its process"),
        ("hang", 504, ""),
        ("wrong", 500, "`inputs.y` is no input of this model"),
        ("shape", 500, "has the shape [1, 2]"),
        ("unsendable", 500, "`before` of the hook"),
    ],
)
def test_what_goes_wrong_in_a_function_is_said_without_a_traceback_and_the_next_request_is_answered(
    server: Server, kind: str, status: int, part: str
) -> None:
    answer = server.post("/predict", {"kind": kind})
    assert answer.status == status
    assert part in answer.json["error"]
    assert "Traceback" not in answer.json["error"]
    assert server.post("/predict", {"kind": "x", "x": [3, 4, 0]}).status == 200


def test_an_answer_that_is_no_json_is_the_models_fault(server: Server) -> None:
    answer = server.post("/predict", {"kind": "x", "x": [0, 0, 1]})
    assert (answer.status, "`after` of the hook gave what cannot be sent" in answer.json["error"]) == (500, True)


def test_the_traceback_is_in_the_log(server: Server) -> None:
    server.post("/predict", {"kind": "fail"})
    assert 'raise KeyError("secret-place")' in server.log.read_text()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("def after(x):\n    return 1\n", "has not its function"),
        ("import nothing_that_is_there\n", "cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(4)\n", "cannot be imported: SystemExit"),
        ("import os\nos._exit(1)\n", "ended its process while it was imported"),
    ],
)
def test_a_server_whose_functions_cannot_be_used_does_not_start(folder: Path, text: str, part: str) -> None:
    path = folder / "broken.py"
    path.write_text(text)
    check = {"request": {"kind": "x"}, "expect": {"best": 1}}
    server = start(config_for(step_models.scores(folder, name="broken"), check, input={"hook": str(path)}), folder)
    assert server.process.wait(START_LIMIT_S) != 0
    assert part in server.log.read_text()
