"""A program in a container gets its input, and what it wrote and how it ended come back in words."""

import io
from typing import Any

import pytest
from kubernetes.stream import ws_client

from slipway.cluster import pod_program
from slipway.cluster.api import Cluster
from slipway.cluster.pod_program import ProgramFailed, Streams
from slipway.errors.reaching import ClusterUnreachable

KUBECONFIG = {
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "me", "user": {"token": "secret-token"}}],
}
DONE = b'{"metadata":{},"status":"Success"}'
FAILED = b'{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code"}'


class Stream:
    """The package's client. `ending`: what the API server says once the input has ended, None while it says nothing."""

    def __init__(self, ending: bytes | None, out: bytes = b"", err: bytes = b"", *, breaks: bool = False) -> None:
        self.sock = self
        self.given = b""
        self.open = True
        self._ending, self._breaks = ending, breaks
        self._channels = {ws_client.STDOUT_CHANNEL: out, ws_client.STDERR_CHANNEL: err}
        self._asked_without_input = 0

    def settimeout(self, _: float) -> None:
        """Nothing waits here."""

    def write_stdin(self, data: bytes) -> None:
        if self._breaks:
            raise BrokenPipeError("broken")
        self.given += data

    def close_channel(self, channel: int) -> None:
        assert channel == ws_client.STDIN_CHANNEL
        self._end()

    def update(self, timeout: float) -> None:
        self._asked_without_input += 1
        if self._asked_without_input > 3:
            self._end()

    def _end(self) -> None:
        if self._ending is not None:
            self._channels[ws_client.ERROR_CHANNEL] = self._ending
            self.open = False

    def is_open(self) -> bool:
        return self.open

    def peek_channel(self, channel: int) -> bytes:
        return self._channels.get(channel, b"")

    def read_channel(self, channel: int) -> bytes:
        return self._channels.pop(channel, b"")

    def close(self) -> None:
        self.open = False


def run(monkeypatch: pytest.MonkeyPatch, stream: Stream, given: bytes | None = None, limit_s: float = 5) -> bytes:
    asked: list[str] = []

    def call(_: Any, method: str, url: str, **options: Any) -> Stream:
        asked.append(f"{method} {url}")
        assert options["binary"] is True
        assert options["capture_all"] is False
        return stream

    monkeypatch.setattr(ws_client, "websocket_call", call)
    taken = io.BytesIO()
    streams = Streams(taken, None if given is None else io.BytesIO(given))
    try:
        Cluster("here", "team", KUBECONFIG).in_pod(("pod-1", "main"), ("sh", "-c", "a b"), streams, limit_s)
    finally:
        assert asked == [
            "GET https://127.0.0.1:1/api/v1/namespaces/team/pods/pod-1/exec?container=main&command=sh&command=-c"
            f"&command=a+b&stdin={'true' if given is not None else 'false'}&stdout=true&stderr=true"
        ]
        assert not stream.open
    return taken.getvalue()


def test_input_goes_in_whole_and_output_comes_back_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 1000
    stream = Stream(DONE, out=b"\xff\x00out")
    assert run(monkeypatch, stream, data) == b"\xff\x00out"
    assert stream.given == data


def test_a_program_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgramFailed, match=r"pod pod-1: sh failed: .*non-zero exit code: no such table") as error:
        run(monkeypatch, Stream(FAILED, err=b"no such\n table\n"))
    assert error.value.exit_code == 3


def test_a_way_that_breaks_off_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterUnreachable, match=r"broke off before the program ended"):
        run(monkeypatch, Stream(b"", out=b"half"))
    with pytest.raises(ClusterUnreachable, match=r"broke off: broken"):
        run(monkeypatch, Stream(DONE, breaks=True), b"input")


def test_a_program_that_does_not_end_is_left_after_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_program, "_LOOK_S", 0)
    with pytest.raises(ProgramFailed, match=r"did not end within 0.1 s"):
        run(monkeypatch, Stream(None), limit_s=0.1)
