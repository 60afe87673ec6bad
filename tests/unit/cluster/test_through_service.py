"""What the API server, or a Service through it, is asked arrives as meant, and again when told "later" (real HTTP)."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused

PROXY = "/api/v1/namespaces/team/services"


class Server(HTTPServer):
    """Notes every request; refuses the next `busy` ones until later."""

    busy = 0
    asked: list[tuple[str, str, dict[str, str], bytes]]


class Handler(BaseHTTPRequestHandler):
    """Answers everything with an empty object."""

    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        refused = self.server.busy > 0
        self.server.busy -= refused
        self.send_response(429 if refused else 200)
        if refused:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the base class calls them so

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


def test_what_an_api_server_that_starts_has_not_begun_is_asked_again(server: Server, cluster: Cluster) -> None:
    manifest = {"kind": "Service", "metadata": {"name": "digits"}}
    server.busy = 3
    cluster.apply(manifest, "us")
    assert [method for method, *_ in server.asked] == ["PATCH"] * 4
    server.busy = 100
    with pytest.raises(ApiRefused) as refused:
        cluster.create(manifest)
    assert refused.value.status == 429
    assert len(server.asked) == 4 + 9


def test_a_service_that_says_later_is_not_asked_again(server: Server, cluster: Cluster) -> None:
    server.busy = 1
    with pytest.raises(ApiRefused) as refused:
        cluster.through_service("digits", "/predict", b"{}", "application/json", 5.0)
    assert (refused.value.status, len(server.asked)) == (429, 1)
