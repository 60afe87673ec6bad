"""Clients that ask to change the protocol are answered in this one; what they sent is their body and nothing else."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from processes import DIGITS, Server

BODY = json.dumps(json.loads((DIGITS / "check.json").read_text())).encode()
# The bytes that Java's HttpClient sends by default (OpenJDK 17), and curl --http2.
JAVA = (
    b"POST /predict HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: %d\r\nHost: 127.0.0.1:8080\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n"
    b"User-Agent: Java-http-client/17.0.15\r\nContent-Type: application/json\r\n\r\n"
)
CURL = (
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
HIDDEN = b"GET /v2/models/digits HTTP/1.1\r\nHost: x\r\n\r\n"


def exchange(server: Server, pieces: list[bytes], answers: int) -> bytes:
    """Send pieces one after the other; return what came once there are so many answers, or nothing more comes."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), 30) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(0.02)
        sock.settimeout(0.5)
        try:
            while piece := sock.recv(65536):
                received += piece
                if received.count(b"HTTP/1.1 ") > answers:
                    break
        except TimeoutError:
            pass
    return received


@pytest.mark.parametrize("head", [JAVA, CURL], ids=["java", "curl"])
@pytest.mark.parametrize("cut", [0, 1, 40, 400])
def test_a_body_behind_an_upgrade_is_read_wherever_it_is_cut(digits: Server, head: bytes, cut: int) -> None:
    whole = head % len(BODY) + BODY
    at = len(whole) - len(BODY) + cut - 20 if cut else len(whole)
    answer = exchange(digits, [whole[:at], whole[at:]], 1)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"label":[7]' in answer


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0", b"anything"])
def test_a_body_behind_an_upgrade_is_never_a_request_of_its_own(digits: Server, upgrade: bytes) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %b\r\nContent-Length: %d\r\n\r\n"
    answer = exchange(digits, [head % (upgrade, len(HIDDEN)), HIDDEN], 1)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"is not JSON" in answer


def test_a_chunked_body_behind_an_upgrade_ends_where_it_says_and_the_next_request_is_answered(digits: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    answer = exchange(digits, [head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY) + HIDDEN], 2)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.index(b'"label":[7]') < answer.index(b'"platform"')


def test_requests_without_a_body_are_answered_too_and_the_connection_stays_as_it_was_asked_for(digits: Server) -> None:
    get = b"GET /v2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade%b\r\nUpgrade: websocket\r\n\r\n"
    assert exchange(digits, [get % b"" + HIDDEN], 2).count(b"HTTP/1.1 200 ") == 2
    closed = exchange(digits, [get % b", close" + HIDDEN], 2)
    assert closed.count(b"HTTP/1.1 200 ") == 1
    assert b"connection: close" in closed


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"GET /v2 HTTP/1.1\r\n\r\n", b"0 `Host` headers"),
        (b"GET /v2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"2 `Host` headers"),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT"),
        (b"GET /v2 HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 100 + b"\r\n", b"more than 100 headers"),
        (b"GET /v2 HTTP/1.1\r\nHost: a\r\na: " + b"b" * 70_000 + b"\r\n\r\n", b"more than 65536 bytes"),
    ],
)
def test_a_head_that_http_or_this_server_does_not_allow_gets_400(digits: Server, head: bytes, part: bytes) -> None:
    answer = exchange(digits, [head], 1)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert part in answer


def test_http_1_0_needs_no_host(digits: Server) -> None:
    assert exchange(digits, [b"GET /v2 HTTP/1.0\r\n\r\n"], 1).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(shutil.which("java") is None, reason="no java here; its bytes are sent by the tests above")
def test_java_s_own_client_is_answered_with_its_defaults(digits: Server) -> None:
    command = ["java", str(Path(__file__).parent / "Post.java"), f"http://127.0.0.1:{digits.port}/predict"]
    run = subprocess.run(
        [*command, str(DIGITS / "check.json")], capture_output=True, text=True, timeout=120, check=True
    )
    first, second, body = run.stdout.splitlines()
    assert (first, second, json.loads(body)["outputs"]["label"]) == ("200", "200", [7])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here; its bytes are sent by the tests above")
def test_curl_with_http2_is_answered(digits: Server) -> None:
    url = f"http://127.0.0.1:{digits.port}/predict"
    command = ["curl", "-sS", "--http2", "-H", "Content-Type: application/json", "--data-binary", "@-", url]
    run = subprocess.run(command, input=BODY, capture_output=True, timeout=60, check=True)
    assert json.loads(run.stdout)["outputs"]["label"] == [7]
