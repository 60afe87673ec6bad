"""Whatever is logged is a line of JSON, and nobody can flood the log."""

import http.client
import json
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

import processes
import pytest
import uvicorn
from slipway_server import __main__ as entry
from slipway_server.http.connections import Connections
from slipway_server.http.http1 import protocol_with
from slipway_server.memory.budget import Budget
from slipway_server.telemetry.log import LINES_A_MINUTE, MESSAGE_LIMIT, TRACEBACK_LIMIT, EventHandler, log_thread


class Clock:
    """Stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def library(clock: Clock) -> logging.Logger:
    logger = logging.Logger("library.part")
    logger.addHandler(EventHandler(clock))
    return logger


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_record_becomes_an_event(library: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    library.warning("line one of %s\nline two", "two")
    (line,) = lines(capsys)
    assert line.pop("time") > 0
    expected = {"logger": "library.part", "level": "warning", "message": "line one of two\nline two"}
    assert line == {"event": "library", **expected}


def test_a_flood_from_one_place_is_counted_and_no_other_place_is_silenced(
    library: logging.Logger, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(1000):
        library.warning("again")
    library.warning("something else")
    clock.now = 61
    for _ in range(2):
        library.warning("later")
    told = [(line["message"], line.get("left_out")) for line in lines(capsys)]
    assert told == [*[("again", None)] * LINES_A_MINUTE, ("something else", None), ("later", None), ("later", None)]


def test_the_next_line_of_a_place_says_how_many_were_left_out(
    library: logging.Logger, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for second in (0, 61):
        clock.now = second
        for _ in range(100):
            library.warning("again")
    assert [line.get("left_out") for line in lines(capsys)][LINES_A_MINUTE:] == [95, None, None, None, None]


def test_a_traceback_keeps_its_end_and_failures_of_other_places_are_told(
    library: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in [lambda: 1 / 0] * 10 + [lambda: {}[0]]:
        try:
            action()
        except (ZeroDivisionError, KeyError):
            library.exception("failed")
    told = [line["traceback"].strip().splitlines()[-1] for line in lines(capsys)]
    assert told == ["ZeroDivisionError: division by zero"] * LINES_A_MINUTE + ["KeyError: 0"]


def test_a_thread_that_fails_is_an_event_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", log_thread)
    monkeypatch.setattr(logging.getLogger("slipway_server.telemetry.log"), "handlers", [EventHandler()])
    monkeypatch.setattr(logging.getLogger("slipway_server.telemetry.log"), "propagate", False)
    thread = threading.Thread(target=lambda: 1 / 0, name="odd job")
    thread.start()
    thread.join()
    (line,) = lines(capsys)
    assert line["message"] == "thread odd job failed"
    assert line["traceback"].endswith("ZeroDivisionError: division by zero\n")


def test_long_texts_lose_their_middle(library: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    library.error("begin %s end", "x" * 100_000)
    try:
        raise ValueError("y" * 100_000 + " the point")
    except ValueError:
        library.exception("failed")
    first, second = lines(capsys)
    assert first["message"].startswith("begin x")
    assert first["message"].endswith("x end")
    assert len(first["message"]) <= MESSAGE_LIMIT + 5
    assert second["traceback"].endswith(" the point\n")
    assert len(second["traceback"]) <= TRACEBACK_LIMIT + 5


def test_arguments_that_do_not_fit_a_library_s_message_are_no_failure(
    library: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    library.warning("%d items", "many")
    assert lines(capsys)[0]["message"].startswith("%d items (")


def test_every_line_of_a_server_under_a_flood_of_bad_requests_is_json_and_they_are_few(folder: Path) -> None:
    with processes.running(processes.digits_config(), folder) as server:
        for _ in range(300):
            for head in (b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"):
                processes.send_raw(server, head)
        told = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [one["event"] for one in told[:2]] == ["cpu", "ready"]
    assert len(told) < 30


def test_a_mistake_of_ours_ends_the_server_with_the_reason_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(entry, "TERMINATION_LOG", log)
    monkeypatch.setattr(logging.getLogger(entry.__name__), "handlers", [EventHandler()])
    monkeypatch.setattr(logging.getLogger(entry.__name__), "propagate", False)
    ended: list[int] = []
    monkeypatch.setattr(entry.os, "_exit", ended.append)
    try:
        raise RuntimeError("nobody\nexpected it")
    except RuntimeError:
        entry._crashed(*sys.exc_info())  # type: ignore[arg-type]
    assert ended == [1]
    assert log.read_text() == "RuntimeError: nobody expected it\n"
    crash, failed = lines(capsys)
    assert "Traceback" in crash["traceback"]
    assert (failed["event"], failed["reason"]) == ("failed", "RuntimeError: nobody expected it")


async def broken(_scope: object, _receive: object, _send: object) -> None:
    raise LookupError("our mistake")


def test_a_request_that_fails_for_our_mistake_is_one_event_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "handlers", [EventHandler()])
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "propagate", False)
    port = processes.free_port()
    options = {
        "http": protocol_with(Connections(Budget(2**24, ()), 100)),
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "log_level": "warning",
    }
    server = uvicorn.Server(uvicorn.Config(broken, port=port, **options))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        for _ in range(20):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            assert connection.getresponse().status == 500
            connection.close()
    finally:
        server.should_exit = True
        thread.join(30)
    told = lines(capsys)
    assert len(told) == LINES_A_MINUTE
    assert {(line["logger"], line["level"]) for line in told} == {("uvicorn.error", "error")}
    assert all(line["traceback"].endswith("LookupError: our mistake\n") for line in told)
