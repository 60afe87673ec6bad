"""What a Service is asked through the API server arrives as meant: method, port, headers (a real HTTP server)."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slipway.cluster.api import Cluster

PROXY = "/api/v1/namespaces/team/services"


class Server(HTTPServer):
    """Notes every request."""

    asked: list[tuple[str, str, dict[str, str], bytes]]


class Handler(BaseHTTPRequestHandler):
    """Answers everything with an empty object."""

    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the base class calls them so

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def cluster(server: Server) -> Cluster:
    kubeconfig = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "me", "user": {"token": "of-the-api-server"}}],
    }
    return Cluster("here", "team", kubeconfig)


def test_headers_go_beside_the_credentials_for_the_api_server(server: Server, cluster: Cluster) -> None:
    cluster.through_service("digits", "/predict", b"[1]", "application/json", 5, headers={"x-slipway-pass": "a.b.c"})
    ((method, path, headers, body),) = server.asked
    assert (method, path, body) == ("POST", f"{PROXY}/digits:http/proxy/predict", b"[1]")
    assert headers["x-slipway-pass"] == "a.b.c"
    assert headers["authorization"] == "Bearer of-the-api-server"
    assert headers["content-type"] == "application/json"


def test_a_port_by_its_number_and_another_method_can_be_asked_for(server: Server, cluster: Cluster) -> None:
    cluster.through_service("keys", "/admin/keys", None, "application/json", 5, port="8081")
    cluster.through_service("keys", "/admin/keys/a", None, "application/json", 5, port="8081", method="DELETE")
    assert [one[:2] for one in server.asked] == [
        ("GET", f"{PROXY}/keys:8081/proxy/admin/keys"),
        ("DELETE", f"{PROXY}/keys:8081/proxy/admin/keys/a"),
    ]
    assert "x-slipway-pass" not in server.asked[0][2]
