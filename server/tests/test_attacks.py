"""One client, or two thousand, cannot take a server within the memory of a pod away from the others."""

import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hostile
import onnx_models
import pods
import processes
import pytest
from processes import DIGITS, Reply, Server

MAX_BODY = 2 * 2**20
CHECK = json.dumps(json.loads((DIGITS / "check.json").read_text())).encode()
SEVEN = hostile.form((DIGITS / "seven.png").read_bytes())
ROW = json.dumps([[[0.123456] * 8] * 8], separators=(",", ":")).encode()
LARGE = b'{"input":[' + b",".join([ROW] * ((MAX_BODY - 20) // (len(ROW) + 1))) + b"]}"
ONES = b'{"inputs":{"size":[1,%d]}}'


@pytest.fixture(scope="module")
def pod(folder: Path) -> Iterator[Server]:
    """The digits model as models/digits.yaml asks for it."""
    config = processes.digits_config(max_body_bytes=MAX_BODY, timeout_s=10.0)
    with pods.pod(config, folder) as server:
        yield server


@pytest.fixture(scope="module")
def ones(folder: Path) -> Iterator[Server]:
    """A model whose answer is as large as the request says."""
    check = {"request": {"inputs": {"size": [1, 2]}}, "expect": {"y": [[1, 1]]}}
    config = processes.config_for(onnx_models.ones(folder), check, max_body_bytes=MAX_BODY, timeout_s=10.0)
    with pods.pod(config, folder) as server:
        yield server


@pytest.fixture(autouse=True)
def serves_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each attack the server lives, and answers."""
    yield
    for name in {"pod", "ones"} & set(request.fixturenames):
        server = request.getfixturevalue(name)
        assert server.process.poll() is None, "killed for its memory"
        started = time.monotonic()
        assert server.ask("POST", "/predict", CHECK if name == "pod" else ONES % 2).status == 200
        assert time.monotonic() - started < 10


def together(count: int, ask: Callable[[int], Reply]) -> Counter[int]:
    """Ask at the same time, and return how often there was each status; a lost connection raises."""
    with ThreadPoolExecutor(count) as pool:
        return Counter(answer.status for answer in pool.map(ask, range(count)))


def connect(server: Server, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 30, (address, 0))


def test_a_key_that_comes_twice_is_found_in_linear_time(pod: Server) -> None:
    started = time.monotonic()
    answer = pod.ask("POST", "/predict", hostile.duplicate_keys(400_000))
    assert (answer.status, "twice in one object" in answer.json["error"]) == (400, True)
    assert time.monotonic() - started < 2
    assert pod.ask("POST", "/predict", hostile.duplicate_keys(MAX_BODY * 9 // 10)).status in (400, 413)


def test_pictures_that_unpack_to_more_than_there_is_get_413(pod: Server) -> None:
    bomb, content_type = hostile.form(hostile.png(7071))
    answer = pod.ask("POST", "/predict", bomb, content_type=content_type)
    assert (answer.status, "7071 x 7071 pixels as PNG" in answer.json["error"]) == (413, True)
    assert together(8, lambda _: pod.ask("POST", "/predict", bomb, content_type=content_type)) == {413: 8}


def test_many_pictures_at_once_that_just_fit_are_unpacked_one_by_one(pod: Server) -> None:
    picture, content_type = hostile.form(hostile.png(1900))
    assert together(8, lambda _: pod.ask("POST", "/predict", picture, content_type=content_type)) == {200: 8}


@pytest.mark.parametrize("lines", [b"a:b\r\n" * 2000, b"b" * 10_000])
def test_endless_trailers_end_the_connection(pod: Server, lines: bytes) -> None:
    with connect(pod) as sock:
        sock.sendall(hostile.POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\na: ")
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(2000):
                sock.sendall(lines)


@pytest.mark.parametrize("part", [b"[" * 500 + b"]" * 500 + b",", b"[],", b'{"a":1},', b"1,"])
def test_bodies_that_become_many_times_as_large_when_read_get_413_or_are_read(pod: Server, part: bytes) -> None:
    raw = b"[" + part * ((MAX_BODY - 10) // len(part)) + b"0]"
    statuses = together(6, lambda _: pod.ask("POST", "/predict", raw))
    assert set(statuses) <= {400, 413, 503}
    answer = pod.ask("POST", "/predict", raw)
    assert answer.status in (400, 413)
    assert "MiB of memory" in answer.json["error"] or answer.status == 400


def test_valid_bodies_of_the_largest_size_are_answered_one_after_the_other_and_together(pod: Server) -> None:
    assert [pod.ask("POST", "/predict", LARGE).status for _ in range(5)] == [200] * 5
    statuses = together(12, lambda _: pod.ask("POST", "/predict", LARGE))
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= 2


def test_slow_bodies_hold_up_neither_small_requests_nor_for_long_a_large_one(pod: Server) -> None:
    slow = [connect(pod, f"127.0.1.{number}") for number in range(1, 31)]
    for sock in slow:
        sock.sendall(hostile.POST + b"Content-Length: %d\r\n\r\n" % MAX_BODY + b" " * (MAX_BODY - 200))
    assert together(20, lambda _: pod.ask("POST", "/predict", CHECK)) == {200: 20}
    end = time.monotonic() + 3
    while (status := pod.ask("POST", "/predict", LARGE).status) == 503 and time.monotonic() < end:
        time.sleep(0.1)
    assert status == 200
    for sock in slow:
        sock.close()


def test_a_large_body_that_stands_still_gets_408_long_before_its_time_is_over(pod: Server) -> None:
    with connect(pod) as sock:
        sock.sendall(hostile.POST + b"Content-Length: 1000000\r\n\r\n" + b" " * 500_000)
        started = time.monotonic()
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"stood still after 500000 bytes" in answer
    assert 4 < time.monotonic() - started < 8


@pytest.mark.parametrize("head", [b"X: " + b"a" * 60_000, b"a:b\r\n" * 95])
def test_thousands_of_unfinished_heads_leave_room_for_a_request(pod: Server, head: bytes) -> None:
    held = [connect(pod, f"127.0.{2 + number // 250}.{1 + number % 250}") for number in range(2000)]
    for sock in held:
        try:
            sock.sendall(b"GET / HTTP/1.1\r\n" + head)
        except OSError:  # it was closed already, for others
            continue
    assert pod.ask("POST", "/predict", CHECK).status == 200
    for sock in held:
        sock.close()


def test_a_connection_that_is_used_lives_while_thousands_are_opened(pod: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", pod.port, timeout=30)
    held = []
    for number in range(3000):
        held.append(connect(pod, f"127.0.{2 + number // 250}.{1 + number % 250}"))
        if number % 100 == 0:
            assert processes.ask_on(connection, "POST", "/predict", CHECK).status == 200
    for sock in held:
        sock.close()


def test_what_comes_before_a_form_s_first_part_costs_nothing(pod: Server) -> None:
    body, content_type = SEVEN
    preamble = b"\r\n" * ((MAX_BODY - len(body)) // 2 - 10)
    started = time.monotonic()
    assert pod.ask("POST", "/predict", preamble + body, content_type=content_type).status == 200
    assert time.monotonic() - started < 0.5


def test_requests_that_pile_up_on_a_connection_end_it(pod: Server) -> None:
    with connect(pod) as sock:
        sock.sendall(hostile.request(LARGE) + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        answers = b""
        while piece := sock.recv(65536):
            answers += piece
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert answers.count(b"HTTP/1.1 200 ") <= 18


@pytest.mark.parametrize("number", [3_000_000, 30_000_000, 10**12])
def test_an_answer_that_does_not_fit_gets_507(ones: Server, number: int) -> None:
    answer = ones.ask("POST", "/predict", ONES % number)
    assert answer.status == 507
    assert "memory for the server" in answer.json["error"]
    assert together(8, lambda _: ones.ask("POST", "/predict", ONES % number)) == {507: 8}


def test_large_answers_that_fit_are_given_or_put_off(ones: Server) -> None:
    answer = ones.ask("POST", "/predict", ONES % 500_000)
    assert (answer.status, answer.json["outputs"]) == (200, {"y": [[1] * 500_000]})
    assert set(together(8, lambda _: ones.ask("POST", "/predict", ONES % 500_000))) <= {200, 503}


def test_clients_that_do_not_take_their_answers_do_not_keep_others_from_theirs(ones: Server) -> None:
    body = ONES % 500_000
    held = [connect(ones, f"127.0.3.{number}") for number in range(1, 101)]
    for sock in held:
        sock.sendall(hostile.request(body) * 3)
    end = time.monotonic() + 8
    while (status := ones.ask("POST", "/predict", body).status) == 503 and time.monotonic() < end:
        time.sleep(0.1)
    assert status == 200
    for sock in held:
        sock.close()


def test_an_honest_client_gets_all_its_answers_beside_two_thousand_hostile_ones(pod: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", pod.port, timeout=30)
    statuses: Counter[int] = Counter()
    with hostile.Crowd(pod.port, 2000) as crowd:
        end = time.monotonic() + 12
        while time.monotonic() < end:
            statuses[pod.ask("POST", "/predict", CHECK).status] += 1
            statuses[processes.ask_on(connection, "POST", "/predict", CHECK).status] += 1
            statuses[processes.ask_on(connection, "POST", "/predict", SEVEN[0], content_type=SEVEN[1]).status] += 1
            time.sleep(0.02)
        assert crowd.connected > 2000
    assert set(statuses) == {200}
    assert statuses[200] > 30
