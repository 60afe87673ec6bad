"""A server measured, whatever becomes of it. The server is a stand-in without limits; times are never asserted."""

from typing import Any

import pytest

from slipway.measuring import steps
from slipway.measuring.server import last_words, local_config
from slipway.measuring.steps import SHARES, Asked, measure, measure_rows
from tests.unit.measuring.found import MI
from tests.unit.measuring.stand_in import StandIn

CONFIG: dict[str, Any] = {
    "gate": {},
    "host": "0.0.0.0",
    "port": 8080,
    "grpc": {"port": 8081},
    "batch": {"max_size": 32},
}
ASKED = Asked("/predict", b'{"inputs": {}}', "/v2/health/ready", 2.0, 30.0, 0.1, None)


@pytest.fixture(autouse=True)
def _soon_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_WARM_S", 0.05)


def silent(_: str) -> None:
    """Take no note of progress."""


def test_a_step_has_all_that_was_found() -> None:
    launcher = StandIn()
    step = measure(launcher, CONFIG, 500, 256 * MI, ASKED, silent)
    assert step.failed == ""
    assert (step.cpu, step.memory, step.shared) == (500, 256 * MI, False)
    assert None not in (step.startup_s, step.idle_bytes, step.peak_bytes, step.alone_ms)
    assert step.most
    assert 1 <= len(step.points) <= len(SHARES)
    assert step.knee is None or step.at_knee in step.points
    assert launcher.running() == []


def test_the_server_listens_on_loopback_and_asks_for_no_pass() -> None:
    launcher = StandIn()
    measure(launcher, CONFIG, 500, 256 * MI, ASKED, silent)
    (config,) = launcher.started
    assert config["host"] == "127.0.0.1"
    assert "gate" not in config
    assert len({config["port"], config["grpc"]["port"], 8080, 8081}) == 4
    assert CONFIG["host"] != "127.0.0.1", "what was planned stays as it is"


def test_too_little_memory_is_a_finding() -> None:
    step = measure(StandIn(least=128 * MI), CONFIG, 500, 64 * MI, ASKED, silent)
    assert step.failed == "the kernel killed it: 64Mi of memory are not enough"
    assert step.knee is None


def test_a_server_that_refuses_the_golden_request_is_a_finding() -> None:
    asked = Asked("/elsewhere", b'{"inputs": {}}', "/v2/health/ready", 0.2, 30.0, 0.1, None)
    step = measure(StandIn(), CONFIG, 500, 256 * MI, asked, silent)
    assert step.failed == "it does not answer the golden request with 200 at /elsewhere"


def test_a_server_that_is_never_ready_is_a_finding() -> None:
    launcher = StandIn()
    asked = Asked("/predict", b'{"inputs": {}}', "/never", 2.0, 0.5, 0.1, None)
    step = measure(launcher, CONFIG, 500, 256 * MI, asked, silent)
    assert step.failed.startswith("it was not ready after 0 s") or step.failed.startswith("it was not ready after 1 s")
    assert launcher.running() == []


def test_rows_are_tried_only_where_requests_share_runs() -> None:
    alone, shared = StandIn(), StandIn(shared=True)
    step = measure(alone, CONFIG, 500, 256 * MI, ASKED, silent)
    assert measure_rows(alone, CONFIG, step, ASKED, silent) == {}
    step = measure(shared, CONFIG, 500, 256 * MI, ASKED, silent)
    found = measure_rows(shared, CONFIG, step, ASKED, silent)
    assert list(found) == [1, 4, 16, 64]
    assert [config["batch"]["max_size"] for config in shared.started[1:]] == [1, 4, 16, 64]


def test_the_reason_of_a_server_is_what_it_said_last() -> None:
    log = '{"event": "failed", "reason": "golden request: label is 3"}\nTraceback\n'
    assert last_words(log) == ": golden request: label is 3"
    assert last_words("Segmentation fault\n") == ": Segmentation fault"
    assert last_words("") == ""


def test_a_configuration_without_grpc_gets_none() -> None:
    assert "grpc" not in local_config({"host": "0.0.0.0", "port": 1})
