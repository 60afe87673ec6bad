"""A server in one pod is asked by way of its node, and whatever goes wrong on the way is said in words."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import ws_client

from slipway.cluster import port_forward
from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused, ClusterUnreachable

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {"token": "secret-token"}}],
    "current-context": "here",
}
Server = Callable[[bytes], bytes]


class Forwarded:
    """What the package gives: a socket whose other end is a server in a pod, and what the node says of the port."""

    def __init__(self, server: Server, said: str | None = None) -> None:
        self.said, self.closed, self.request = said, False, b""
        self.mine, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs, server), daemon=True).start()

    def _serve(self, theirs: socket.socket, server: Server) -> None:
        with theirs:
            while b"\r\n\r\n" not in self.request or not self.request.endswith(b"}"):
                got = theirs.recv(65536)
                if not got:
                    return
                self.request += got
            with suppress(BrokenPipeError):  # who asked waits no longer
                theirs.sendall(server(self.request))

    def socket(self, port: int) -> socket.socket:
        assert port == 9000
        return self.mine

    def error(self, _: int) -> str | None:
        return self.said

    def close(self) -> None:
        self.closed = True
        self.mine.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    return []


def ask(
    monkeypatch: pytest.MonkeyPatch,
    given: Forwarded | Exception,
    asked: list[tuple[str, dict[str, str]]],
    limit_s: float = 5,
) -> bytes:
    def call(_: Any, method: str, url: str, headers: dict[str, str]) -> Forwarded:
        assert method == "GET"
        asked.append((url, headers))
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr(ws_client, "portforward_call", call)
    cluster = Cluster("here", "models", KUBECONFIG)
    return cluster.through_pod("reader-1", 9000, "/v1/predict", b'{"x": 1}', "application/json", limit_s)


def answering(status: str, body: bytes) -> Server:
    return lambda _: f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def test_a_request_reaches_the_server_in_the_pod_with_the_credentials_of_the_kubeconfig_on_the_way_only(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, dict[str, str]]]
) -> None:
    forwarded = Forwarded(answering("200 OK", b'{"label": 7}'))
    assert ask(monkeypatch, forwarded, asked) == b'{"label": 7}'
    ((url, headers),) = asked
    assert url == "https://127.0.0.1:1/api/v1/namespaces/models/pods/reader-1/portforward?ports=9000"
    assert headers["authorization"] == "Bearer secret-token"
    assert forwarded.request.startswith(b"POST /v1/predict HTTP/1.1")
    assert b"secret-token" not in forwarded.request
    assert forwarded.closed


def test_an_answer_that_is_no_success_is_told_with_its_status(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, dict[str, str]]]
) -> None:
    with pytest.raises(ApiRefused, match="422: no image") as refused:
        ask(monkeypatch, Forwarded(answering("422 Unprocessable", b"no image")), asked)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (ApiException(status=0, reason="Handshake status 403 Forbidden"), "no connection to pod reader-1: Handshake"),
        (lambda: Forwarded(lambda _: b""), "pod reader-1 gave no answer at port 9000"),
        (lambda: Forwarded(lambda _: b"SSH-2.0\r\n"), "pod reader-1 gave no answer at port 9000"),
        (lambda: Forwarded(answering("200 OK", b"{}"), "connection refused"), "pod reader-1: connection refused"),
    ],
)
def test_no_way_and_no_answer_are_told_with_their_reason(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, dict[str, str]]], given: Any, problem: str
) -> None:
    with pytest.raises(ClusterUnreachable, match=problem):
        ask(monkeypatch, given if isinstance(given, Exception) else given(), asked)


def test_a_server_that_never_answers_is_waited_for_no_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, dict[str, str]]]
) -> None:
    never = threading.Event()
    forwarded = Forwarded(lambda _: str(never.wait(60)).encode())
    with pytest.raises(ClusterUnreachable, match="timed out"):
        ask(monkeypatch, forwarded, asked, 0.05)
    never.set()


def test_a_way_that_never_opens_is_waited_for_no_longer_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(port_forward, "_OPEN_S", 0.05)
    monkeypatch.setattr(ws_client, "portforward_call", lambda *_, **__: never.wait(60))
    with pytest.raises(ClusterUnreachable, match="no connection to pod reader-1"):
        Cluster("here", "models", KUBECONFIG).through_pod("reader-1", 9000, "/", b"{}", "application/json", 1)
    never.set()


def test_an_answer_without_end_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, dict[str, str]]]
) -> None:
    monkeypatch.setattr(port_forward, "_ANSWER_MOST", 8)
    with pytest.raises(ApiRefused, match="the answer has more than"):
        ask(monkeypatch, Forwarded(answering("200 OK", b"x" * 100)), asked)
