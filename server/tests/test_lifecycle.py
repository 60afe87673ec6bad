"""The server starts only when its golden request is right, and stops without losing a request."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
import processes
import pytest
import skops.io
from processes import Server
from sklearn.linear_model import LogisticRegression
from slipway_server import __main__ as entry

STOP_LIMIT_S = 60


class ClosedLoop(threading.Thread):
    """Asks again as soon as it is answered, until it is turned away with 503 or finds nobody listening."""

    def __init__(self, server: Server, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.body = json.dumps(body or processes.digits_config()["check"]["request"]).encode()
        self.answered = 0
        self.answered_with_close = 0
        self.lost: list[str] = []

    def run(self) -> None:
        """Count answers; whatever is neither an answer nor a refused connection is a lost request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        while True:
            if connection.sock is None:
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return
            try:
                answer = processes.ask_on(connection, "POST", "/predict", self.body)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                return
            if answer.status == 503 and "retry-after" in answer.headers:
                return
            if answer.status != 200:
                self.lost.append(f"{answer.status} {answer.body!r}")
                return
            self.answered += 1
            self.answered_with_close += answer.headers.get("connection") == "close"


def by_sklearn(folder: Path) -> dict[str, Any]:
    """A configuration of a classifier of scikit-learn."""
    rows = np.load(processes.DIGITS / "test.npz")
    pixels = rows["image"].reshape(-1, 64)
    home = folder / "sklearn"
    home.mkdir()
    skops.io.dump(LogisticRegression(max_iter=300).fit(pixels, rows["label"]), home / "digits.skops")
    signature = {
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [None, 64]}],
        "outputs": [{"name": "label", "datatype": "INT64", "shape": [None]}],
    }
    check = {"request": {"inputs": {"input": pixels[:1].tolist()}}, "expect": {"label": int(rows["label"][0])}}
    config = processes.config_for(home / "digits.skops", check, drain_s=1.0)
    return config | {"model": config["model"] | {"backend": "sklearn", "signature": signature}}


def by_litert(folder: Path) -> dict[str, Any]:
    """A configuration of a TFLite file."""
    config = processes.digits_config(drain_s=1.0)
    file = processes.ROOT / "models" / "digits-lite" / "model.tflite"
    return config | {"model": config["model"] | {"path": str(file), "backend": "litert"}}


def by_onnxruntime(folder: Path) -> dict[str, Any]:
    """A configuration of an ONNX file."""
    return processes.digits_config(drain_s=1.0)


@pytest.mark.parametrize("served", [by_onnxruntime, by_litert, by_sklearn])
def test_a_graceful_stop_under_load_loses_no_request(served: Callable[[Path], dict[str, Any]], folder: Path) -> None:
    config = served(folder)
    with processes.running(config, folder) as server:
        clients = [ClosedLoop(server, config["check"]["request"]) for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        server.terminate()
        for client in clients:
            client.join(STOP_LIMIT_S)
            assert not client.is_alive()
        assert server.process.wait(STOP_LIMIT_S) == 0
    assert [client.lost for client in clients] == [[]] * 8
    assert all(client.answered_with_close > 0 for client in clients)
    assert sum(client.answered - client.answered_with_close for client in clients) > 0


def test_a_stopping_server_is_not_ready_but_goes_on_serving(folder: Path) -> None:
    with processes.running(processes.digits_config(drain_s=3.0), folder) as server:
        server.terminate()
        wait_for(lambda: server.ask("GET", "/v2/health/ready").status == 503)
        assert server.ask("GET", "/v2/health/live").status == 200
        answer = server.post("/predict", processes.digits_config()["check"]["request"])
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        assert server.process.wait(STOP_LIMIT_S) == 0


def test_a_stopping_server_goes_on_serving_while_requests_come_and_probes_do_not_keep_it(folder: Path) -> None:
    """Envoy Gateway and kube-proxy send requests to the pods that they know, until they reach the API server again."""
    with processes.running(processes.digits_config(drain_s=0.5, linger_s=30.0), folder) as server:
        server.terminate()
        wait_for(lambda: server.ask("GET", "/v2/health/ready").status == 503)
        request = processes.digits_config()["check"]["request"]
        for _ in range(10):
            assert server.post("/predict", request).status == 200
            time.sleep(0.25)
        silent = time.monotonic()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while time.monotonic() < silent + STOP_LIMIT_S:
                server.ask("GET", "/v2/health/live")
                time.sleep(0.05)
        assert server.process.wait(STOP_LIMIT_S) == 0
        assert 0.2 < time.monotonic() - silent < 5


def test_requests_without_end_do_not_keep_a_stopping_server_for_ever(folder: Path) -> None:
    with processes.running(processes.digits_config(drain_s=0.5, linger_s=1.0), folder) as server:
        client = ClosedLoop(server)
        client.start()
        began = time.monotonic()
        server.terminate()
        assert server.process.wait(STOP_LIMIT_S) == 0
        assert 1.4 < time.monotonic() - began < 8
        client.join(STOP_LIMIT_S)
    assert client.lost == []


def test_what_was_accepted_is_finished_while_new_requests_get_503(folder: Path) -> None:
    check = {"request": [1], "expect": {"y": 128}}
    with processes.running(processes.config_for(onnx_models.slow(folder), check), folder) as server:
        answers: list[processes.Reply] = []
        client = threading.Thread(target=lambda: answers.append(server.post("/predict", [150_000])))
        client.start()
        wait_for(lambda: server.metric("slipway_requests_in_flight") == 2)  # the client's and this one
        server.terminate()
        wait_for(lambda: server.ask("GET", "/v2/health/ready").status == 503)
        assert not answers
        while client.is_alive():
            try:
                refusal = server.post("/predict", [1])
            except OSError:  # nobody listens any more: only after the accepted request was answered
                client.join(1)
                assert not client.is_alive()
                break
            assert (refusal.status, refusal.headers["retry-after"]) == (503, "1")
            time.sleep(0.02)
        assert answers[0].json["outputs"] == {"y": 128}
        assert server.process.wait(STOP_LIMIT_S) == 0


def wait_for(holds: Any) -> None:
    """Wait until a condition holds; AssertionError after a minute."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def failed_start(config: dict[str, Any], folder: Path) -> str:
    server = processes.start(config, folder)
    try:
        assert server.process.wait(processes.START_LIMIT_S) == 1
    finally:
        server.process.kill()
    last = json.loads(server.log.read_text().splitlines()[-1])
    assert last["event"] == "failed"
    return str(last["reason"])


def test_a_wrong_golden_answer_ends_the_start(folder: Path) -> None:
    config = processes.digits_config()
    config["check"]["expect"] = {"label": 3}
    assert failed_start(config, folder) == "golden request: wrong answer: output `label` is 7, expected 3"


def test_batching_that_is_asked_for_and_would_give_wrong_answers_ends_the_start(folder: Path) -> None:
    check = {"request": [[0, 0], [0, 0]], "expect": {"y": [[0, 0], [0, 0]]}}
    config = processes.config_for(onnx_models.running_sum(folder), check, batch={"enabled": True})
    reason = failed_start(config, folder)
    assert reason.startswith("`batching.enabled: true` would give wrong answers: output `y` of a row ")
    assert reason.endswith("next: take `batching.enabled` out of the spec, and every request runs alone")


def test_a_late_golden_answer_ends_the_start(folder: Path) -> None:
    check = {"request": [3_000], "expect": {"y": 128}, "timeout_s": 0.001}
    reason = failed_start(processes.config_for(onnx_models.slow(folder), check), folder)
    assert reason == "golden request: no answer within 0.001 s"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"request": [[1]]}, "golden request: `body` has the shape [1, 1]"),
        ({"expect": {"lable": 7}}, "golden request: `expect.lable` is no output of the model (did you mean `label`?)"),
        ({"expect": {}}, "golden request: `expect` is {}"),
    ],
)
def test_a_golden_request_that_does_not_fit_the_model_ends_the_start(
    folder: Path, change: dict[str, Any], part: str
) -> None:
    config = processes.digits_config()
    config["check"] |= change
    assert part in failed_start(config, folder)


@pytest.mark.parametrize("content", [b"", b"no onnx", None])
def test_a_model_that_cannot_be_loaded_ends_the_start(folder: Path, content: bytes | None) -> None:
    config = processes.digits_config()
    path = folder / "broken.onnx"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    config["model"]["path"] = str(path)
    assert str(path) in failed_start(config, folder)


def test_a_port_in_use_ends_the_start(folder: Path, digits: Server) -> None:
    config = processes.digits_config(port=digits.port)
    assert failed_start(config, folder) == f"cannot listen on 127.0.0.1:{digits.port}"


def test_the_reason_goes_to_the_termination_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(entry, "TERMINATION_LOG", log)
    monkeypatch.setenv("SLIPWAY_CONFIG", str(tmp_path / "missing.json"))
    assert entry.main() == 1
    assert log.read_text() == f"{tmp_path}/missing.json: cannot be read: No such file or directory\n"


def test_a_model_whose_run_never_ends_does_not_keep_the_server_from_ending_with_the_reason(folder: Path) -> None:
    check = {"request": {"inputs": {"x": [1.0]}}, "expect": {"y": [1.0]}}
    # Trials of batching would end as late as they may.
    config = processes.config_for(onnx_models.endless(folder), check, timeout_s=1.0, batch={"enabled": False})
    assert "golden request: no answer within 1.0 s" in failed_start(config, folder)
