"""A real server process answers over real HTTP: the protocol, the limits, and every kind of bad request."""

import base64
import http.client
import io
import json
import socket
from pathlib import Path

import onnx_models
import processes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from processes import DIGITS, Server

CHECK = json.loads((DIGITS / "check.json").read_text())
SEVEN = (DIGITS / "seven.png").read_bytes()
INFER = "/v2/models/digits/infer"
TENSOR = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": CHECK["inputs"]["image"]}


def form(files: dict[str, bytes], filename: bool = True) -> tuple[bytes, str]:
    boundary = "7d1f0c64e4acd0ba"  # the same in every process that collects the tests, or their names differ
    parts = []
    for name, data in files.items():
        more = '; filename="a.png"' if filename else ""
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
        )
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def test_predict_answers_with_model_version_release_and_outputs(digits: Server) -> None:
    answer = digits.post("/predict", CHECK)
    assert answer.status == 200
    assert {name: answer.json[name] for name in ("model", "version", "release")} == {
        "model": "digits",
        "version": "1.2.3",
        "release": "0123abcd",
    }
    assert answer.json["outputs"]["label"] == [7]
    assert sum(answer.json["outputs"]["probabilities"][0]) == pytest.approx(1, abs=1e-5)


def test_a_picture_as_base64_and_as_a_file_gets_the_same_answer(digits: Server) -> None:
    as_text = digits.post("/predict", {"image": base64.b64encode(SEVEN).decode()})
    body, content_type = form({"file": SEVEN})
    as_file = digits.ask("POST", "/predict", body, content_type=content_type)
    assert as_text.json == as_file.json
    assert as_file.json["outputs"]["label"] == [7]


def test_two_inputs_get_two_outputs(tabular: Server) -> None:
    answer = tabular.post("/predict", {"inputs": {"features": [[1, 2, 3], [1, 1, 1]], "weight": [[2], [-1]]}})
    assert answer.json["outputs"] == {"score": [[12], [-3]], "rank": [[4], [-2]]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/predict/", 404),
        ("GET", "/v2/models/other", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", "/v2/models/digits/versions/9/infer", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/v2/models/digits", 405),
        ("POST", "/metrics", 405),
    ],
)
def test_unknown_paths_models_and_methods_are_errors_in_json(
    digits: Server, method: str, path: str, status: int
) -> None:
    answer = digits.ask(method, path, b"{}" if method == "POST" else None)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "text/plain"},
        {"content_type": ""},
        {"content_type": "application/json; charset=latin-1"},
        {"content_encoding": "br"},
        {"content_encoding": "gzip, gzip"},
    ],
)
def test_other_content_types_and_encodings_get_415(digits: Server, headers: dict[str, str]) -> None:
    answer = digits.ask("POST", "/predict", b"[]", **headers)
    assert answer.status == 415
    assert "allowed: " in answer.json["error"]


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "Application/JSON"])
def test_json_may_be_declared_in_every_usual_way(digits: Server, content_type: str) -> None:
    body = json.dumps(CHECK).encode()
    assert digits.ask("POST", "/predict", body, content_type=content_type).status == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        form({"picture": SEVEN}),
        form({"file": SEVEN}, filename=False),
        form({"file": SEVEN, "more": b"1"}),
        form({"file": SEVEN, "image": SEVEN}),
        form({}),
        form({"file": b"no picture"}),
        (b"garbage", "multipart/form-data; boundary=x"),
        (b"garbage", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=" + "x" * 300),
    ],
)
def test_a_form_without_one_picture_in_file_or_image_gets_400(digits: Server, body: bytes, content_type: str) -> None:
    answer = digits.ask("POST", "/predict", body, content_type=content_type)
    assert answer.status == 400
    assert "allowed: " in answer.json["error"]


def test_a_decompression_bomb_gets_400(digits: Server) -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    body, content_type = form({"file": buffer.getvalue()})
    assert len(body) < 200_000
    answer = digits.ask("POST", "/predict", body, content_type=content_type)
    assert answer.status == 400
    assert "pixels" in answer.json["error"]


def test_a_body_over_the_limit_gets_413_and_the_connection_lives(digits: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", digits.port, timeout=30)
    answer = processes.ask_on(connection, "POST", "/predict", b" " * 5_000_000)
    assert answer.status == 413
    assert "at most 200000 bytes" in answer.json["error"]
    assert processes.ask_on(connection, "GET", "/v2/health/live").status == 200
    connection.close()


def raw_exchange(server: Server, head: str, chunks: list[bytes]) -> bytes:
    """Send bytes as they are and return the first piece of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as sock:
        sock.sendall(head.replace("\n", "\r\n").encode())
        for chunk in chunks:
            sock.sendall(chunk)
        return sock.recv(4096)


def test_an_endless_chunked_body_gets_413_before_it_ends(digits: Server) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = "POST /predict HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n"
    assert raw_exchange(digits, head, [chunk] * 4).startswith(b"HTTP/1.1 413 ")


def test_an_announced_length_over_the_limit_gets_413_before_the_body_comes(digits: Server) -> None:
    head = "POST /predict HTTP/1.1\nHost: x\nContent-Length: 99999999999\n\n"
    assert raw_exchange(digits, head, []).startswith(b"HTTP/1.1 413 ")


def test_a_body_longer_than_announced_does_not_become_part_of_it(digits: Server) -> None:
    head = "POST /predict HTTP/1.1\nHost: x\nContent-Length: 2\n\n"
    answer = raw_exchange(digits, head, [b"{}" + b"1" * 300_000])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert digits.post("/predict", CHECK).status == 200


def test_a_body_that_does_not_come_gets_408(digits: Server) -> None:
    head = "POST /predict HTTP/1.1\nHost: x\nContent-Length: 20\n\n"
    answer = raw_exchange(digits, head, [b"[1,"])
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("head", ["GARBAGE\n\n", "GET / HTTP/9.9\n\n", "GET / HTTP/1.1\nHost : x\n\n", "\x00\n\n"])
def test_what_is_no_http_gets_400_in_json(digits: Server, head: str) -> None:
    answer = raw_exchange(digits, head, [])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


@pytest.mark.parametrize("line", [b"x" * 1000, b"a: " + b"b" * 1000 + b"\r\n"])
def test_an_endless_head_gets_400_and_is_not_kept(digits: Server, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", digits.port), 30) as sock:
        sock.sendall(b"GET /v2/health/live HTTP/1.1\r\n")
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(100_000):
                sock.sendall(line)


def test_a_head_in_many_pieces_is_put_together(digits: Server) -> None:
    body = json.dumps(CHECK).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", digits.port), 30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(head), 7):
            sock.sendall(head[i : i + 7])
        sock.sendall(body)
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_model_with_state_and_a_scalar_is_served(folder: Path) -> None:
    request = {"inputs": {"x": [[1, 2, 3, 4]], "state": [[[1, 2, 3]], [[4, 5, 6]]], "rate": 2}}
    check = {"request": request, "expect": {"y": 10, "next": {"min": 2, "max": 12}}}
    with processes.running(processes.config_for(onnx_models.stateful(folder), check), folder) as server:
        outputs = server.post("/predict", request).json["outputs"]
        assert outputs == {"y": [[10]], "next": [[[2, 4, 6]], [[8, 10, 12]]]}
        assert b'"batching": false' in server.log.read_bytes()


def test_an_answer_that_takes_too_long_gets_504_and_the_run_is_ended(folder: Path) -> None:
    check = {"request": [1], "expect": {"y": 128}}
    config = processes.config_for(onnx_models.slow(folder), check, timeout_s=0.5)
    with processes.running(config, folder) as server:
        answer = server.post("/predict", [10_000_000])
        assert answer.status == 504
        assert answer.json == {"error": "the model did not answer within 0.5 s"}
        # Ten million rounds take minutes: an answer now means that the run was given up.
        assert server.post("/predict", [1]).json["outputs"] == {"y": 128}


def test_metrics_count_requests_batches_and_say_which_model(digits: Server) -> None:
    before = digits.metric("slipway_batch_rows_sum")
    digits.post("/predict", {"input": CHECK["inputs"]["image"] * 3})
    assert digits.metric("slipway_batch_rows_sum") == before + 3
    assert digits.metric("slipway_inference_seconds_count") > 0
    text = digits.ask("GET", "/metrics").body.decode()
    assert 'slipway_model_info{model="digits",release="0123abcd",version="1.2.3"} 1.0' in text
    assert 'slipway_requests_total{route="/predict",status="200"}' in text
    assert 'slipway_request_seconds_count{route="/predict"}' in text
    assert "slipway_queue_depth 0.0" in text


TEXT, OPENMETRICS = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text; version=zzz", TEXT),
        ("application/openmetrics-text; version=99.0.0", TEXT),
        ("application/openmetrics-text; version=1.0.0; version=zzz", TEXT),
        ("application/openmetrics-text; escaping=zzz; version=", TEXT),
        ("text/plain; version=1.x; escaping=", TEXT),
        (",;,=;version;;" * 3000, TEXT),
        ("\xff;version=\xb2.\xb2.\xb2", TEXT),
    ],
)
def test_metrics_come_whatever_the_accept_header_says(digits: Server, accept: str, content_type: str) -> None:
    answer = digits.ask("GET", "/metrics", accept=accept)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(content_type)
    assert answer.body.endswith(b"# EOF\n") is (content_type == OPENMETRICS)


@pytest.fixture(scope="module")
def alive(digits: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", digits.port, timeout=30)


BODIES = st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(TENSOR),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["inputs", "input", "image", "name", "shape", "datatype", "data", "id", "outputs"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode())


@given(
    body=BODIES,
    path=st.sampled_from(["/predict", INFER]),
    content_type=st.sampled_from(["application/json", "multipart/form-data; boundary=a"]),
)
def test_no_body_whatever_gets_a_500_or_loses_the_connection(
    alive: http.client.HTTPConnection, body: bytes, path: str, content_type: str
) -> None:
    answer = processes.ask_on(alive, "POST", path, body, content_type=content_type)
    assert answer.status in (200, 400, 415)
    assert ("error" in answer.json) == (answer.status != 200)


MUTATED = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["image", "x"]) | st.integers(),
        "datatype": st.sampled_from(["FP32", "FP64", "BYTES"]) | st.none(),
        "shape": st.lists(st.integers(-2, 9), max_size=5) | st.just([1, 1, 8, 8]) | st.just([2, 1, 4, 8]),
        "data": st.lists(st.floats(width=32) | st.integers() | st.text(max_size=3), max_size=70)
        | st.just(TENSOR["data"]),
        "parameters": st.dictionaries(st.text(max_size=5), st.integers(), max_size=2) | st.integers(),
        "extra": st.none(),
    },
)


@given(change=MUTATED, drop=st.sets(st.sampled_from(["name", "shape", "datatype", "data"]), max_size=1))
def test_no_change_to_a_right_infer_request_gets_a_500(
    alive: http.client.HTTPConnection, change: dict[str, object], drop: set[str]
) -> None:
    tensor = {name: value for name, value in {**TENSOR, **change}.items() if name not in drop}
    body = json.dumps({"inputs": [tensor]}).encode()
    answer = processes.ask_on(alive, "POST", INFER, body, content_type="application/json")
    assert answer.status in (200, 400)
