"""The check port towards whoever is not the gateway: odd, broken, slow and pipelined requests."""

import asyncio
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_reading import Books
from service import Home, Service
from slipway_keys.check.answers import refused
from slipway_keys.check.asked import Asker, asked
from slipway_keys.values.config import ConfigError, load_config

ASKER = Asker(asyncio.Future(loop=asyncio.new_event_loop()))


def exchange(replica: Service, data: bytes, wait_s: float = 1.0) -> bytes:
    with socket.create_connection(("127.0.0.1", replica.ports["check_port"]), 10) as link:
        link.settimeout(wait_s)
        got = b""
        try:
            link.sendall(data)
            while part := link.recv(65_536):
                got += part
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def test_pipelined_questions_are_answered_in_their_order(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    known = b"GET /check/digits/x HTTP/1.1\r\nauthorization: bearer %b\r\n\r\n" % text.encode()
    unknown = b"GET /check/nobody/x HTTP/1.1\r\n\r\n"
    nothing = b"GET /elsewhere HTTP/1.1\r\n\r\n"
    got = exchange(replica, known + unknown + nothing + known + b"GET /check/digits HTTP/1.1\r\n\r\n")
    assert [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]] == [200, 404, 404, 200, 401]


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000, b"\x16\x03\x01\x02", b"POST"]
)
def test_what_is_no_request_harms_nobody(home: Home, books: Books, data: bytes) -> None:
    _, text = books.key()
    replica = home.start()
    assert exchange(replica, data, 0.3)[:12] in (b"", b"HTTP/1.1 400")
    assert replica.check("digits", text).status == 200


def test_a_client_that_leaves_while_it_waits_harms_nobody(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", replica.ports["check_port"]), 10) as link:
            link.sendall(b"GET /check/nobody/x HTTP/1.1\r\n\r\n")
    time.sleep(0.2)
    assert replica.check("digits", text).status == 200
    assert not [event for event in replica.events() if event["event"] == "check failed"]


@given(st.binary(max_size=80), st.binary(max_size=200), st.binary(max_size=40), st.binary(max_size=80))
def test_no_question_breaks_the_reading(path: bytes, credential: bytes, request_id: bytes, address: bytes) -> None:
    headers = {b"authorization": credential, b"x-request-id": request_id, b"x-forwarded-for": address}
    question = asked(b"POST", b"/check/" + path, headers, ASKER)
    assert question is not None
    assert 1 <= len(question.request_id) <= 64
    assert question.request_id.isascii()


@pytest.mark.parametrize(
    ("wait_s", "told"), [(0.2, b"1"), (1.0, b"1"), (1.000000001, b"1"), (1.1, b"2"), (60.0, b"60")]
)
def test_retry_after_is_never_too_short(wait_s: float, told: bytes) -> None:
    assert b"retry-after: %b\r\n" % told in refused(429, "too many calls", wait_s)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "one of them must be set"),
        ({"DATABASE_URL": "a", "DATABASE_URL_FILE": "b"}, "not both"),
        ({"DATABASE_URL": "a", "CHECK_PORT": "http"}, "SLIPWAY_KEYS_CHECK_PORT is 'http'; allowed: a port"),
        ({"DATABASE_URL": "a", "DRAIN_S": "nan"}, "SLIPWAY_KEYS_DRAIN_S is 'nan'; allowed: seconds"),
    ],
)
def test_a_wrong_configuration_is_refused_with_what_is_allowed(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config({f"SLIPWAY_KEYS_{name}": value for name, value in environ.items()})


def test_a_signing_key_that_is_none_ends_the_start_with_one_line(home: Home, tmp_path: Path) -> None:
    home.pem.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n")
    with pytest.raises(AssertionError, match="is no private key in PEM"):
        home.start()
