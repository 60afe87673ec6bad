"""A model is asked at its gateway's address, as its clients ask: by a server of HTTP that stands for the gateway."""

import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slipway.artifacts.golden_request import Asked, GoldenRequest
from slipway.cluster.certificates import self_signed
from slipway.cluster.keys_admin import KeysAway, KeysRefused
from slipway.deploy.front.door import FrontDoor, Keys
from slipway.errors.failures import WrongAnswer
from slipway.plan.model import ModelPlan
from slipway.spec.endpoint import Oidc
from tests.support.planned import gateway_plan

CHECK = GoldenRequest("onnxruntime", {"inputs": {"image": [0]}}, {"label": 7}, 2.0)
RELEASE = "ab" * 32


@dataclass
class Gateway:
    """Answers one model's calls: `unknown_for`: how often the key is not known yet."""

    label: int = 7
    status: int = 200
    unknown_for: int = 0
    keys: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, key: str | None) -> tuple[int, bytes]:
        self.paths.append(path)
        self.keys.append(key)
        if len(self.keys) <= self.unknown_for:
            return 401, b"unknown key"
        return self.status, json.dumps({"release": RELEASE, "outputs": {"label": [self.label]}}).encode()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    found = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, body = found.answer(self.path, self.headers["authorization"])
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/models/digits"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Admin:
    """The admin API: keys that it made and revoked. `refusals`: what it says first."""

    refusals: list[Exception] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def post(self, path: str, body: Any) -> Any:
        if self.refusals:
            raise self.refusals.pop(0)
        self.calls.append((path, body))
        return {"id": "k1", "key": "sk_secret"}


def model(gateway: Gateway, auth: str = "api-key") -> ModelPlan:
    found = gateway_plan("own").find("least", Path())
    assert found.traffic is not None
    oidc = Oidc(issuer="https://people.example", audiences=("models",)) if auth == "oidc" else None
    return replace(found, name="digits", traffic=replace(found.traffic, url=gateway.url, auth=auth, oidc=oidc))


def ask(plan: ModelPlan, admin: Admin, *, reachable: bool = True) -> tuple[Any, list[str]]:
    said: list[str] = []
    door = FrontDoor(Keys(admin.post, sleep=lambda _: None), lambda: None, lambda _: reachable, "slipway")
    return door.ask(plan, CHECK, RELEASE, said.append), said


def test_a_model_is_asked_with_a_key_of_its_own_which_is_revoked(gateway: Gateway) -> None:
    admin = Admin()
    verdict, _ = ask(model(gateway), admin)
    assert verdict.outputs == {"label": [7]}
    assert gateway.keys == ["Bearer sk_secret"]
    assert gateway.paths == ["/models/digits/predict"]
    (created, body), (revoked, _) = admin.calls
    assert (created, body["models"], body["name"]) == ("/admin/keys", ["digits"], "slipway-up")
    assert body["expires_at"] is not None
    assert revoked == "/admin/keys/k1/revoke"


def test_a_key_that_is_not_known_yet_is_shown_again(gateway: Gateway) -> None:
    gateway.unknown_for = 2
    verdict, _ = ask(model(gateway), Admin())
    assert verdict is not None


def test_a_wrong_answer_fails_and_the_key_is_revoked_all_the_same(gateway: Gateway) -> None:
    gateway.label, admin = 3, Admin()
    with pytest.raises(WrongAnswer, match="output `label` is 3, expected 7"):
        ask(model(gateway), admin)
    assert [path for path, _ in admin.calls][-1] == "/admin/keys/k1/revoke"


def test_a_server_of_its_own_is_asked_where_it_takes_requests_though_nobody_can_tell_who_answered(
    gateway: Gateway,
) -> None:
    check = GoldenRequest("custom", {"x": 1}, {"/outputs/label/0": 7}, 2.0, asked=Asked(9000, "/v1/reader:predict"))
    said: list[str] = []
    door = FrontDoor(Keys(Admin().post, sleep=lambda _: None), lambda: None, lambda _: True, "slipway")
    verdict = door.ask(model(gateway, "none"), check, RELEASE, said.append)
    assert verdict is not None
    assert (verdict.release, verdict.outputs) == ("", {"/outputs/label/0": 7})
    assert gateway.paths == ["/models/digits/v1/reader:predict"]


def test_a_refusal_of_the_gateway_fails(gateway: Gateway) -> None:
    gateway.status = 403
    with pytest.raises(WrongAnswer, match="HTTP 403"):
        ask(model(gateway), Admin())


def test_a_model_that_asks_for_no_key_is_asked_without_one(gateway: Gateway) -> None:
    admin = Admin()
    verdict, _ = ask(model(gateway, "none"), admin)
    assert verdict is not None
    assert gateway.keys == [None]
    assert admin.calls == []


def test_a_model_that_the_keys_service_does_not_know_yet_gets_its_key_a_moment_later(gateway: Gateway) -> None:
    verdict, _ = ask(model(gateway), Admin([KeysRefused("there is no model digits")]))
    assert verdict is not None


@pytest.mark.parametrize(
    ("auth", "reachable", "refusals", "said"),
    [
        ("oidc", True, [], "it takes tokens of https://people.example only"),
        ("api-key", False, [], "it cannot be reached from this machine"),
        ("api-key", True, [KeysAway("here", "slipway", "no pod")], "the keys service of environment here"),
    ],
)
def test_what_cannot_be_asked_is_said_and_does_not_fail(
    gateway: Gateway, auth: str, reachable: bool, refusals: list[Exception], said: str
) -> None:
    verdict, told = ask(model(gateway, auth), Admin(refusals), reachable=reachable)
    assert verdict is None
    assert said in told[-1]
    assert gateway.paths == []


def test_a_certificate_that_this_machine_does_not_trust_is_said_and_does_not_fail(tmp_path: Path) -> None:
    made = self_signed("localhost", datetime.now(UTC))
    for name, data in (("tls.crt", made.certificate), ("tls.key", made.private_key)):
        (tmp_path / name).write_bytes(data)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        away = Gateway(url=f"https://localhost:{server.server_port}/models/digits")
        verdict, told = ask(model(away, "none"), Admin())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert verdict is None
    assert "does not trust the gateway's certificate" in told[-1]
