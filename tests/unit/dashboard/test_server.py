"""The dashboard answers on loopback alone, to whoever has the token and names the address; nothing else is told."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from slipway.dashboard import server
from slipway.dashboard.server import Dashboard, Gather
from slipway.errors.base import UserError
from tests.unit.dashboard.documents import overview


@contextmanager
def running(gather: Gather) -> Iterator[Dashboard]:
    dashboard = Dashboard(gather, 0)
    thread = threading.Thread(target=dashboard.run, daemon=True)
    thread.start()
    try:
        yield dashboard
    finally:
        dashboard.close()
        thread.join(30)


@pytest.fixture
def dashboard() -> Iterator[Dashboard]:
    with running(lambda: [overview()]) as one:
        yield one


def asked(
    dashboard: Dashboard, path: str, host: str | None = None, method: str = "GET"
) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection(dashboard.host, timeout=30)
    connection.request(method, path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def test_with_its_token_the_page_and_its_json_are_there(dashboard: Dashboard) -> None:
    status, headers, text = asked(dashboard, f"/{dashboard.token}/")
    assert (status, "digits" in text) == (200, True)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    status, _, text = asked(dashboard, f"/{dashboard.token}/status.json")
    assert json.loads(text)["environments"][0]["environment"] == "prod"
    assert asked(dashboard, f"/{dashboard.token}/", method="HEAD")[2] == ""
    assert asked(dashboard, f"/{dashboard.token}/else")[0] == 404


@pytest.mark.parametrize("path", ["/", "/wrong/", "/wrong/status.json", "/%C3%A4/", "//", "/status.json"])
def test_without_its_token_everything_is_refused(dashboard: Dashboard, path: str) -> None:
    status, _, text = asked(dashboard, path)
    assert (status, "digits" in text, dashboard.token in text) == (403, False, False)
    status, _, _ = asked(dashboard, f"/{dashboard.token[:-1]}/")
    assert status == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", ""])
def test_another_name_for_the_address_is_refused(dashboard: Dashboard, host: str) -> None:
    assert asked(dashboard, f"/{dashboard.token}/", host)[0] == 403


def test_nothing_can_be_sent_to_it(dashboard: Dashboard) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert asked(dashboard, f"/{dashboard.token}/", method=method)[0] == 501


def test_it_listens_on_loopback_alone_and_each_one_has_a_token_of_its_own(dashboard: Dashboard) -> None:
    assert dashboard.host.startswith("127.0.0.1:")
    # The whole of 127.0.0.0/8 is this machine: a listener on all addresses would answer there.
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", int(dashboard.host.rpartition(":")[2])), timeout=30)
    with running(list) as other:
        assert other.token != dashboard.token
        assert len(other.token) >= 32


def test_the_token_is_in_no_log(dashboard: Dashboard, capfd: pytest.CaptureFixture[str]) -> None:
    asked(dashboard, f"/{dashboard.token}/")
    asked(dashboard, "/wrong/")
    said = capfd.readouterr()
    assert said.out + said.err == ""


def test_a_port_that_is_taken_is_refused_with_what_to_do(dashboard: Dashboard) -> None:
    port = int(dashboard.host.rpartition(":")[2])
    with pytest.raises(UserError, match=rf"--port: {port}: cannot be listened on: .*next: name another"):
        Dashboard(list, port)


def test_two_readers_do_not_ask_the_cluster_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REFRESH_S", 3600)
    calls: list[None] = []
    with running(lambda: calls.append(None) or [overview()]) as dashboard:  # type: ignore[func-returns-value]
        for _ in range(3):
            assert asked(dashboard, f"/{dashboard.token}/")[0] == 200
        assert len(calls) == 1
        monkeypatch.setattr(server, "REFRESH_S", 0)
        asked(dashboard, f"/{dashboard.token}/")
        assert len(calls) == 2
