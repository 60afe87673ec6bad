"""Calls replayed to two real model servers, in every form of body that they speak."""

import asyncio
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from rollout_plans import a_plan
from slipway_judge.replaying.call import Call, headers_to_send
from slipway_judge.replaying.replayer import Replayer
from slipway_judge.replaying.tally import FIRST, Tally
from slipway_judge.telemetry.metrics import Metrics
from slipway_judge.values.plan import Plan

DIGITS = Path(__file__).parents[2] / "models" / "digits"
LIMIT_S = 60.0


def another(folder: Path) -> Path:
    """The digits model with other weights in its last layer."""
    model = onnx.load(DIGITS / "model.onnx")
    layer = next(each for each in model.graph.initializer if each.name == "out_w")
    layer.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(layer), layer.name))
    path = folder / "another.onnx"
    onnx.save(model, path)
    return path


def started(folder: Path, model: Path) -> tuple[int, "subprocess.Popen[bytes]"]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    expect = {"label": {"min": 0, "max": 9}}
    config = {
        "model": {"name": "digits", "version": "1.0.0", "path": str(model)},
        "release": "0123abcd",
        "host": "127.0.0.1",
        "port": port,
        "drain_s": 0.0,
        "check": {"timeout_s": 30.0, "request": json.loads((DIGITS / "check.json").read_text()), "expect": expect},
    }
    path = folder / f"config-{port}.json"
    path.write_text(json.dumps(config))
    with (folder / f"log-{port}").open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "slipway_server"],
            env={**os.environ, "SLIPWAY_CONFIG": str(path), "SLIPWAY_CPU_LIMIT_MILLIS": "1000"},
            stderr=sink,
        )
    return port, process


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Ports of three servers: `old`, `same` and `another`."""
    folder = tmp_path_factory.mktemp("servers")
    digits = DIGITS / "model.onnx"
    running = {name: started(folder, model) for name, model in (("old", digits), ("same", digits))}
    running["another"] = started(folder, another(folder))
    try:
        end = time.monotonic() + LIMIT_S
        for port, process in running.values():
            while not ready(port):
                log = (folder / f"log-{port}").read_text()
                assert process.poll() is None and time.monotonic() < end, log
                time.sleep(0.05)
        yield {name: port for name, (port, _) in running.items()}
    finally:
        for _, process in running.values():
            process.kill()
            process.wait(LIMIT_S)


PICTURE = np.asarray(json.loads((DIGITS / "check.json").read_text())["inputs"]["image"], np.float32)


def v2(*, in_bytes: bool) -> Call:
    tensor: dict[str, Any] = {"name": "image", "datatype": "FP32", "shape": list(PICTURE.shape)}
    if not in_bytes:
        body = json.dumps({"inputs": [{**tensor, "data": PICTURE.ravel().tolist()}]}).encode()
        return call("/v2/models/digits/infer", body)
    tensor["parameters"] = {"binary_data_size": PICTURE.nbytes}
    document = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    head = json.dumps(document).encode()
    body = head + PICTURE.tobytes()
    sent = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return call("/v2/models/digits/infer", body, **sent)


def call(path: str, body: bytes, **headers: str) -> Call:
    told = {"content-type": "application/json", **headers}
    return Call(path, headers_to_send([(name.encode(), text.encode()) for name, text in told.items()]), body)


def picture_form() -> Call:
    boundary = "6f1e"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="seven.png"\r\n\r\n'.encode()
    body = head + (DIGITS / "seven.png").read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    return call("/predict", body, **{"content-type": f"multipart/form-data; boundary={boundary}"})


FORMS = {
    "predict": call("/predict", json.dumps({"inputs": {"image": PICTURE.tolist()}}).encode()),
    "v2": v2(in_bytes=False),
    "v2 in bytes": v2(in_bytes=True),
    "a picture": picture_form(),
}


def plan_for(ports: dict[str, int], new: str) -> Plan:
    return a_plan(old=_side(ports["old"]), new=_side(ports[new]))


def _side(port: int) -> dict[str, str]:
    return {"version": "1.0.0", "release": "a" * 64, "service": str(port)}


def tallied(plan: Plan, asked: Call, times: int = 1) -> Tally:
    """What so many replays of a call showed."""

    async def run() -> Tally:
        replayer = Replayer(plan, "http://127.0.0.1:{service}", Metrics())
        tally = replayer.tally = Tally(plan.judge)
        for _ in range(FIRST + times):
            await replayer.replay(asked)
        await replayer.close()
        return tally

    return asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
def test_the_same_model_agrees_with_itself_in_every_form(form: str, ports: dict[str, int]) -> None:
    tally = tallied(plan_for(ports, "same"), FORMS[form], times=3)
    seen, calls = tally.agreement(), tally.calls()
    assert (seen.pairs, seen.disagreed, seen.not_comparable) == (3, 0, 0)
    assert (seen.self_pairs, seen.self_disagreed) == (3, 0)
    assert (calls.old, calls.new, calls.old_errors, calls.new_errors, calls.timed) == (3, 3, 0, 0, 3)


@pytest.mark.parametrize("form", FORMS)
def test_another_model_disagrees_in_every_form_and_the_example_has_no_values(form: str, ports: dict[str, int]) -> None:
    tally = tallied(plan_for(ports, "another"), FORMS[form], times=4)
    assert (tally.agreement().pairs, tally.agreement().disagreed) == (4, 4)
    assert len(tally.examples) == 3
    assert all(set(output) == {"output", "largest"} for each in tally.examples for output in each["outputs"])


def test_a_call_that_both_refuse_counts_nowhere(ports: dict[str, int]) -> None:
    tally = tallied(plan_for(ports, "same"), call("/predict", b"nonsense"))
    assert (tally.calls().new, tally.agreement().pairs) == (0, 0)


def test_a_new_release_that_is_not_there_fails_each_call(ports: dict[str, int]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        plan = plan_for({**ports, "gone": int(sock.getsockname()[1])}, "gone")
        calls = tallied(plan, FORMS["predict"], times=5).calls()
    assert (calls.old, calls.old_errors, calls.new, calls.new_errors) == (5, 0, 5, 5)


def test_a_release_that_takes_longer_than_a_call_may_take_fails_it(ports: dict[str, int]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(64)
        silent = {**ports, "silent": int(sock.getsockname()[1])}
        plan = plan_for(silent, "silent").model_copy(update={"timeout_s": 0.05})
        calls = tallied(plan, FORMS["predict"], times=2).calls()
    assert (calls.new, calls.new_errors) == (2, 2)
