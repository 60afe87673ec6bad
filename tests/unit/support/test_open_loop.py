"""The load generator counts as lost what a client would call lost, held against a server that loses on purpose."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.support.open_loop import Answer, OpenLoop, Target, percentile

_RIGHT = b'{"y": 1}'


class _Faulty(BaseHTTPRequestHandler):
    """Answers rightly, but in each ten one 503, one wrong answer, one late one, and one connection closed."""

    protocol_version = "HTTP/1.1"
    count = 0
    told: ClassVar[list[tuple[str, bytes]]] = []
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            number = _Faulty.count % 10
            _Faulty.count += 1
            self.told.append((self.headers.get("Authorization", ""), body))
        if number == 3:
            self.close_connection = True
            self.connection.close()
            return
        if number == 4:
            threading.Event().wait(0.6)
        answer = b'{"y": 2}' if number == 2 else _RIGHT
        self.send_response(503 if number == 1 else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-Request-Id", f"r{number}")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    _Faulty.count = 0
    _Faulty.told.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Faulty)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def _right(answer: Answer) -> bool:
    return answer.body == _RIGHT


def test_errors_wrong_late_and_missing_answers_are_lost_and_nothing_else_is(url: str) -> None:
    target = Target(url, body=b"{}", headers={"Authorization": "Bearer secret"})
    with OpenLoop(target, rate=20, timeout_s=0.5, duration_s=1) as load:
        pass
    lost = load.lost(_right)
    assert len(load.answers) == 20
    assert [sum(word in text for text in lost) for word in ("503", "wrong", "too late", "no answer")] == [2, 2, 2, 2]
    assert len(lost) == 8
    assert {answer.request_id for answer in load.answers} == {"", "r0", "r1", "r2", "r4", "r5", "r6", "r7", "r8", "r9"}
    assert set(_Faulty.told) == {("Bearer secret", b"{}")}
    assert percentile(load.answers, 0.5) < 0.5 < percentile(load.answers, 1)


def test_a_load_without_end_stops_when_the_block_ends_and_waits_for_what_is_under_way(url: str) -> None:
    with OpenLoop(Target(url, body=b"{}"), rate=50, timeout_s=1) as load:
        threading.Event().wait(1)
    assert len(load.answers) == _Faulty.count
    assert 30 <= len(load.answers) <= 70


def test_nobody_listening_is_all_lost() -> None:
    with OpenLoop(Target("http://127.0.0.1:9/"), rate=20, timeout_s=1, duration_s=1) as load:
        pass
    assert len(load.lost(_right)) == 20
