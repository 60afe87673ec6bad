"""What is kept of requests that were answered, refused, or not answered at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from slipway.measuring.load import closed_loop, complete, http_request, open_loop

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def server(answer: Callable[[int], bytes | None]) -> Iterator[int]:
    """A server that answers the n-th request of all as it is told: bytes, or the end of the connection for None."""
    listener = socket.create_server(("127.0.0.1", 0))
    lock, count = threading.Lock(), iter(range(10**9))

    def serve(sock: socket.socket) -> None:
        with sock, suppress(ConnectionError):  # who asks goes away with requests under way
            while sock.recv(65536).startswith(b"POST"):
                with lock:
                    said = answer(next(count))
                if said is None:
                    return
                sock.sendall(said)

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_closed_loop_counts_what_was_answered() -> None:
    with server(lambda _: GOOD) as port:
        load = closed_loop(port, http_request(port, "/predict", b"{}"), 2, 0.2)
    assert load.latencies_s.size > 2
    assert load.lost == 0
    assert load.asked is None


def test_refusals_are_lost() -> None:
    with server(lambda _: FULL) as port:
        load = closed_loop(port, http_request(port, "/predict", b"{}"), 1, 0.1)
    assert load.latencies_s.size == 0
    assert load.lost > 0


def test_a_closed_connection_is_a_lost_request_and_ends_a_closed_loop() -> None:
    with server(lambda number: GOOD if number < 3 else None) as port:
        load = closed_loop(port, http_request(port, "/predict", b"{}"), 1, 5)
    assert (load.latencies_s.size, load.lost) == (3, 1)


def test_an_open_loop_sends_what_is_due_and_tells_each() -> None:
    with server(lambda _: GOOD) as port:
        first = open_loop(port, http_request(port, "/predict", b"{}"), 200, 0.5, timeout_s=2)
        again = open_loop(port, http_request(port, "/predict", b"{}"), 200, 0.5, timeout_s=2)
    assert first.latencies_s.size == again.latencies_s.size
    assert 50 < first.latencies_s.size < 150
    assert first.lost == 0
    assert not first.early


def test_an_open_loop_does_not_wait_for_answers() -> None:
    held = threading.Event()

    def answer(number: int) -> bytes:
        if number == 0:
            held.wait(5)
        return GOOD

    with server(answer) as port:
        request = http_request(port, "/predict", b"{}")
        threading.Timer(0.3, held.set).start()
        load = open_loop(port, request, 100, 0.2, timeout_s=5)
    assert load.lost == 0
    assert load.latencies_s.max() > 0.05, "who came while the server stood still waited, and that is in the numbers"


def test_what_is_not_answered_in_time_is_lost() -> None:
    quiet = threading.Event()

    def silent(_: int) -> bytes:
        quiet.wait(10)
        return GOOD

    with server(silent) as port:
        load = open_loop(port, http_request(port, "/predict", b"{}"), 50, 0.1, timeout_s=0.2)
        quiet.set()
    assert load.latencies_s.size == 0
    assert load.lost > 0


@pytest.mark.parametrize(
    ("received", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 200),
        (b"HTTP/1.1 503 No\r\n\r\n", 503),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"nonsense\r\n\r\n", 0),
    ],
)
def test_an_answer_is_complete_with_all_of_its_body(received: bytes, status: int | None) -> None:
    assert complete(received) == status
