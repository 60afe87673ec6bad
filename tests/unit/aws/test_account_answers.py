"""What answers in AWS's place in another language than AWS's is a refusal with a reason, and no crash."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slipway.aws.account import Account
from slipway.errors.failures import AwsRefused

pytest.importorskip("boto3")
_PAGE = b"<!doctype html>\n<title>502 Bad Gateway</title>\n"


@pytest.fixture
def proxy() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(502)
            self.send_header("Content-Length", str(len(_PAGE)))
            self.end_headers()
            self.wfile.write(_PAGE)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(("service", "operation"), [("ec2", "describe_vpcs"), ("sts", "get_caller_identity")])
def test_a_page_of_a_proxy_is_a_refusal_with_its_reason(
    service: str, operation: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": proxy,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsRefused) as error:
        Account("123456789012", "eu-central-1").call(service, operation)
    assert "\n" not in str(error.value)
    assert "invalid XML received" in str(error.value)
