"""Kubeconfigs and proxies as people have them: a client, or one message that says what to do."""

import json
import logging
import os
import socket
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from slipway.cluster.api import Cluster
from slipway.cluster.kubeconfig import connect, proxy_of
from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused, ClusterUnreachable, ContextUnknown, NoCredentials, NoSocks

PRIVATE = "https://10.9.8.7:6443"
PROXY = "http://someone:secret@127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def kubeconfig(server: str = PRIVATE, **user: object) -> dict[str, object]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }


def credentials(folder: Path, text: str) -> dict[str, object]:
    """A user whose credentials a program gives."""
    program = folder / "get-token"
    program.write_text(f"#!{sys.executable}\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used_and_no_proxy_is_honoured(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, PROXY)
    assert proxy_of(connect("here", kubeconfig())) == "http://127.0.0.1:9"
    for past in ("10.9.8.7", "10.0.0.0/8", "a.example.com, 10.9.8.7:6443", "*"):
        monkeypatch.setenv("NO_PROXY", past)
        assert proxy_of(connect("here", kubeconfig())) is None, past


@pytest.mark.parametrize("server", ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"])
def test_loopback_is_never_asked_for_by_way_of_a_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    assert proxy_of(connect("here", kubeconfig(server))) is None


def test_a_proxy_that_does_not_lead_there_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    with pytest.raises(ClusterUnreachable) as refused:
        Cluster("here", "n", kubeconfig()).list("Pod")
    text = str(refused.value)
    assert "through the proxy http://127.0.0.1:9 (waited 0.0 s)" in text
    assert "next: if it is reached without a proxy, add 10.9.8.7 to NO_PROXY" in text
    assert "secret" not in text


def test_a_socks_proxy_without_what_speaks_it_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    with pytest.raises(NoSocks, match=r"next: .*add 10\.9\.8\.7 to NO_PROXY"):
        connect("here", kubeconfig())


def test_the_message_has_the_time_that_was_waited_and_not_the_limit() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ClusterUnreachable, match=r"waited 0\.\d s.*next: "):
        Cluster("here", "n", kubeconfig(f"https://127.0.0.1:{port}")).list("Pod")


@pytest.mark.parametrize("empty", ["", "\n\n", "# mine\n", "---\n# nothing yet\n"])
def test_an_empty_file_in_kubeconfig_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty: str
) -> None:
    (tmp_path / "empty").write_text(empty)
    (tmp_path / "real").write_text(json.dumps(kubeconfig()))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/empty{os.pathsep}{tmp_path}/none{os.pathsep}{tmp_path}/real")
    assert connect("here").configuration.host == PRIVATE


@pytest.mark.parametrize(
    "text", ["", "a: [", "- list\n", "just text", "clusters: 5\n", "contexts: {}\n", "\x00", json.dumps(kubeconfig())]
)
def test_a_kubeconfig_that_cannot_be_used_is_one_line_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(ContextUnknown, match="next: set KUBECONFIG to the file that has it") as refused:
        connect("elsewhere")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "import sys; sys.exit('Error loading SSO Token: it has\\n expired')",
            "Error loading SSO Token: it has expired",
        ),
        ("print('no JSON')", "failed to decode process output"),
        ("print('{}')", "missing key"),
    ],
)
def test_a_program_that_gives_no_credentials_is_one_message_and_no_line_of_a_log(
    tmp_path: Path, program: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoCredentials, match="next: install it, or log in again") as refused:
        connect("here", kubeconfig(exec=credentials(tmp_path, program)))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_a_program_for_credentials_that_is_not_installed_is_named() -> None:
    missing = {"apiVersion": "client.authentication.k8s.io/v1", "command": "slipway-no-such-program"}
    with pytest.raises(NoCredentials, match="slipway-no-such-program"):
        connect("here", kubeconfig(exec=missing))


def test_credentials_that_cannot_be_renewed_later_are_told_at_the_request(tmp_path: Path) -> None:
    status = {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    user = credentials(tmp_path, f"print({json.dumps(json.dumps(answer))})")
    cluster = Cluster("here", "n", kubeconfig("https://127.0.0.1:9", exec=user))
    Path(str(user["command"])).unlink()
    with pytest.raises(NoCredentials, match="get-token"):
        cluster.list("Pod")


def test_what_other_threads_log_meanwhile_is_no_failure_of_the_credentials(tmp_path: Path) -> None:
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}
    slow = credentials(tmp_path, f"import time; time.sleep(0.3); print({json.dumps(json.dumps(answer))})")
    other = threading.Timer(0.1, lambda: logging.getLogger().error("something else"))
    other.start()
    connect("here", kubeconfig(exec=slow))
    other.join()


class Refusing(BaseHTTPRequestHandler):
    """Refuses every request with the status in its path."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()
        self.wfile.write(b'{"message": "no"}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("status", "todo"),
    [
        (401, "log in again"),
        (403, "ask for a role"),
        (404, "correct what the message names"),
        (409, "run the command again"),
        (429, "run the command again in a minute"),
        (500, "check the API server's log"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, todo: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.handle_request, daemon=True).start()
    try:
        cluster = Cluster("here", "n", kubeconfig(f"http://127.0.0.1:{server.server_port}"))
        with pytest.raises(ApiRefused, match=rf"answered {status}: no; next: {todo}") as refused:
            cluster.request("GET", f"/{status}")
    finally:
        server.server_close()
    assert isinstance(refused.value, SlipwayError)
    assert (refused.value.status, refused.value.message) == (status, "no")
