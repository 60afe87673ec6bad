"""A model that is gone is told to its owner: by Prometheus, Alertmanager and the webhook that the settings name."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from slipway.local.cluster.facts import NODE_IP
from tests.support.looking import until
from tests.support.monitoring import ADDRESS
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

_SECRET = "pager"
_TOLD_LIMIT_S = 300.0


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook on the node's address: its URL, and what was posted there."""
    posted: list[dict[str, Any]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((NODE_IP, 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{NODE_IP}:{server.server_port}/alerts", posted
    server.shutdown()


def test_the_owner_of_a_model_that_is_gone_is_told_and_nobody_else(
    bench: Workbench, told: tuple[str, list[dict[str, Any]]]
) -> None:
    url, posted = told
    routes = [{"owner": owner, "webhook": {"secret": _SECRET}} for owner in ("vision", "nobody-of-these")]
    bench.write_settings(monitoring={"prometheus": ADDRESS, "routes": routes})
    bench.write("sums", owner="vision", slo={"availability": 99.0, "window": "30d"})
    bench.write("other", owner="audio", slo={"availability": 99.0, "window": "30d"})
    # Before the namespace is there, nobody can have made the Secret.
    assert bench.up().returncode == 0
    refused = bench.up()
    assert refused.returncode == 1, refused.stderr
    assert _SECRET in refused.stderr
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _SECRET}}
    bench.cluster.create(secret | {"data": {"url": base64.b64encode(url.encode()).decode()}})
    done = bench.up()
    assert done.returncode == 0, done.stderr
    for name in ("sums", "other"):
        path = bench.cluster.url("Deployment", name)
        body = {"spec": {"replicas": 0}}
        bench.cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")

    def names() -> set[tuple[str, str]]:
        return {(one["labels"]["model"], one["labels"]["alertname"]) for post in posted for one in post["alerts"]}

    until("the owner is told", lambda: ("sums", "SlipwayModelDown") in names(), _TOLD_LIMIT_S)
    assert {model for model, _ in names()} == {"sums"}
    (down, *_) = (one for post in posted for one in post["alerts"] if one["labels"]["alertname"] == "SlipwayModelDown")
    assert down["labels"]["owner"] == "vision"
    assert down["labels"]["namespace"] == bench.namespace
    assert down["annotations"]["runbook"].startswith("docs/how-to/")
    assert "sums" in down["annotations"]["summary"]
