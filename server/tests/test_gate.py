"""Behind a gateway the server answers who shows a pass that is good now, for this model, and nobody else."""

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import processes
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from processes import Server
from slipway_server.http.passes import KeyUnusable, Passes, PassRefused

KEY = Ed25519PrivateKey.generate()
SEVEN = json.loads((processes.DIGITS / "check.json").read_text())


def pem(key: Any) -> bytes:
    public = key.public_key()
    return bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def signed(
    key: Any = KEY,
    algorithm: str = "EdDSA",
    *,
    aud: object = "model/digits",
    at: float = 0,
    lasts: int = 60,
    **claims: Any,
) -> str:
    now = int(time.time() + at)
    document = {"aud": aud, "iat": now, "exp": now + lasts, **claims}
    return jwt.encode({name: value for name, value in document.items() if value is not None}, key, algorithm)


def unsigned(header: object, payload: object, signature: bytes = b"") -> bytes:
    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "public.pem"
    path.write_bytes(pem(KEY))
    return path


@pytest.fixture
def passes(key_file: Path) -> Passes:
    return Passes(key_file, "digits")


@pytest.mark.parametrize(
    "claims",
    [{}, {"at": -80}, {"at": 20}, {"sub": "sk_1"}, {"lasts": 20}, {"aud": ["model/reader", "model/digits"]}],
)
def test_a_pass_of_the_gateway_is_good_as_often_as_it_is_shown(passes: Passes, claims: dict[str, Any]) -> None:
    token = signed(**claims).encode()
    for _ in range(3):
        passes.check(token)


ALG = {"alg": "EdDSA", "typ": "JWT"}
CLAIMS = {"aud": "model/digits", "iat": 0, "exp": 2**40}


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (None, "is missing"),
        (b"", "is no pass"),
        (b"a.b.c", "is no pass"),
        (b"\xff\xfe.\x00.", "is no pass"),
        (b"." * 400, "is no pass"),
        (b"x" * 3000, "has 3000 bytes"),
        (unsigned({"alg": "none"}, CLAIMS), "is no pass"),
        (unsigned({"alg": ["EdDSA"]}, CLAIMS), "is no pass"),
        (unsigned([], CLAIMS), "is no pass"),
        (unsigned(ALG, CLAIMS, b"0" * 64), "has the signature of another key"),
        (unsigned(ALG, CLAIMS), "has the signature of another key"),
        (base64.urlsafe_b64encode(b"[" * 600) + b".e30.", "is no pass"),
        (lambda: signed(Ed25519PrivateKey.generate()), "has the signature of another key"),
        (lambda: signed(generate_private_key(SECP256R1()), "ES256"), "is no pass"),
        (jwt.encode(CLAIMS, "s" * 32, "HS256"), "is no pass"),
        (lambda: signed(aud="model/speech"), "is not for model/digits"),
        (lambda: signed(aud="keys-admin"), "is not for model/digits"),
        (lambda: signed(aud=["model/reader", "model/speech"]), "is not for model/digits"),
        (lambda: signed(aud="model/digits2"), "is not for model/digits"),
        (lambda: signed(at=-100), "has expired"),
        (lambda: signed(at=100), "is of the future"),
        (lambda: signed(nbf=2**40), "is of the future"),
        (lambda: signed(lasts=3600), "lasts 3600 s, where 60 are allowed"),
        (lambda: signed(exp=None), "is no pass"),
        (lambda: signed(iat=None), "is no pass"),
        (lambda: signed(aud=None), "is no pass"),
    ],
)
def test_anything_else_is_refused_without_being_repeated(passes: Passes, token: Any, problem: str) -> None:
    token = token() if callable(token) else token  # signed now: minutes may lie between this and the collection
    shown = token.encode() if isinstance(token, str) else token
    for _ in range(2):
        with pytest.raises(PassRefused) as refusal:
            passes.check(shown)
        text = str(refusal.value)
        assert text.startswith(f"`x-slipway-pass` {problem}") and "; allowed: a pass that the gateway gave" in text
        assert not shown or shown.decode("latin-1") not in text


def test_a_pass_that_was_good_is_refused_when_its_time_is_over(passes: Passes) -> None:
    token = signed(at=-88).encode()
    passes.check(token)
    time.sleep(2.1)
    with pytest.raises(PassRefused, match="has expired"):
        passes.check(token)


def test_a_flood_of_good_passes_is_not_all_kept(passes: Passes) -> None:
    for number in range(600):
        passes.check(signed(jti=str(number)).encode())
    assert len(passes._kept) == 256


def look_again(passes: Passes) -> None:
    passes._look_at = 0.0


def test_a_new_key_counts_as_soon_as_its_file_is_swapped_and_the_old_one_no_longer(tmp_path: Path) -> None:
    """As the kubelet updates a ConfigMap: the file is a link into a folder that is a link, which is replaced."""
    new = Ed25519PrivateKey.generate()
    for name, key in (("one", KEY), ("two", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "public.pem").write_bytes(pem(key))
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "public.pem").symlink_to("..data/public.pem")
    passes = Passes(tmp_path / "public.pem", "digits")
    old, token = signed().encode(), signed(new).encode()
    passes.check(old)
    (tmp_path / "..next").symlink_to("two")
    (tmp_path / "..next").rename(tmp_path / "..data")
    look_again(passes)
    passes.check(token)
    with pytest.raises(PassRefused, match="another key"):
        passes.check(old)


def test_the_file_is_looked_at_no_more_than_once_a_second(passes: Passes, key_file: Path) -> None:
    key_file.unlink()
    passes.check(signed().encode())
    look_again(passes)
    with pytest.raises(KeyUnusable):
        passes.check(signed().encode())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is no public key in PEM"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is no public key in PEM"),
        (pem(generate_private_key(SECP256R1())), "has a key of type "),
    ],
)
def test_without_a_key_nobody_is_let_in_and_the_log_says_so_once(
    key_file: Path, content: bytes | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    passes = Passes(key_file, "digits")
    token = signed().encode()
    passes.check(token)
    key_file.unlink() if content is None else key_file.write_bytes(content)
    for _ in range(3):
        look_again(passes)
        with pytest.raises(KeyUnusable, match=f"so nobody is let in: {key_file} {why}"):
            passes.check(token)
    key_file.write_bytes(pem(KEY))
    look_again(passes)
    passes.check(token)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == ["gate"] * 3
    assert events[0]["closed"] is events[2]["closed"] is None
    assert str(events[1]["closed"]).startswith(f"{key_file} {why}")


@pytest.fixture(scope="module")
def gated(folder: Path) -> Iterator[Server]:
    key = folder / "gate" / "public.pem"
    key.parent.mkdir()
    key.write_bytes(pem(KEY))
    config = processes.digits_config(max_body_bytes=200_000, timeout_s=5.0, gate={"public_key": str(key)})
    with processes.running(config, folder) as server:
        yield server


def answer_of(server: Server, token: str | None, method: str = "POST", path: str = "/predict") -> processes.Reply:
    headers = {} if token is None else {"x_slipway_pass": token}
    body = json.dumps(SEVEN).encode() if method == "POST" else None
    return server.ask(method, path, body, content_type="application/json", **headers)


def test_a_real_server_answers_with_a_pass_and_says_what_the_run_took(gated: Server) -> None:
    answer = answer_of(gated, signed())
    assert (answer.status, answer.json["outputs"]["label"]) == (200, [7])
    assert 0 < float(answer.headers["x-slipway-compute-seconds"]) < 5
    assert answer_of(gated, signed(), "GET", "/v2/models/digits").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict"),
        ("POST", "/v2/models/digits/infer"),
        ("POST", "/v2/models/digits/versions/1.2.3/infer"),
        ("POST", "/v2/repository/index"),
        ("GET", "/v2"),
        ("GET", "/v2/models/digits"),
        ("GET", "/v2/models/digits/ready"),
        ("GET", "/v2/models/digits/stats"),
        ("GET", "/v2/models/digits/config"),
        ("GET", "/no/such/path"),
        ("GET", "/metrics/"),
        ("GET", "/metrics%2f..%2fpredict"),
        ("OPTIONS", "/predict"),
    ],
)
@pytest.mark.parametrize("token", [None, "", "a.b.c", "another model's"])
def test_every_route_but_three_is_closed(gated: Server, method: str, path: str, token: str | None) -> None:
    answer = answer_of(gated, signed(aud="model/speech") if token == "another model's" else token, method, path)
    assert answer.status == 403
    assert list(answer.json) == ["error"] and answer.json["error"].startswith("`x-slipway-pass` ")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/metrics"])
def test_health_and_metrics_are_open(gated: Server, path: str) -> None:
    assert gated.ask("GET", path).status == 200


def test_a_call_without_a_pass_is_answered_before_its_body_comes(gated: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gated.port, timeout=10)
    try:
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100000")
        connection.endheaders()
        assert connection.getresponse().status == 403
    finally:
        connection.close()


def test_calls_that_are_refused_cost_no_memory_and_are_counted(gated: Server) -> None:
    before = gated.metric("process_resident_memory_bytes")
    for _ in range(200):
        assert gated.ask("POST", "/predict", b"x" * 150_000).status == 403
    assert gated.metric("process_resident_memory_bytes") - before < 20 * 2**20
    metrics = gated.ask("GET", "/metrics").body.decode()
    assert 'slipway_requests_total{route="unmatched",status="403"}' in metrics


def test_without_a_key_at_its_start_the_server_runs_and_lets_nobody_in(folder: Path) -> None:
    key = folder / "late.pem"
    config = processes.digits_config(gate={"public_key": str(key)})
    with processes.running(config, folder) as server:
        answer = answer_of(server, signed())
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert f"{key} cannot be read: No such file or directory" in answer.json["error"]
        # Whole at once, as a mounted Secret is: of half a key the server would say something else in between.
        (folder / "new.pem").write_bytes(pem(KEY))
        (folder / "new.pem").rename(key)
        end = time.monotonic() + 10
        while answer_of(server, signed()).status != 200:
            assert time.monotonic() < end, server.log.read_text()
            time.sleep(0.1)
        events = [json.loads(line) for line in server.log.read_text().splitlines()]
        gates = [event for event in events if event["event"] == "gate"]
        assert len(gates) == 2, gates
        assert gates[0]["closed"] and gates[1]["closed"] is None


def test_no_pass_is_in_the_log(gated: Server) -> None:
    token, wrong = signed(jti=os.urandom(8).hex()), signed(aud="model/other")
    answer_of(gated, token)
    answer_of(gated, wrong)
    log = gated.log.read_text()
    assert token not in log and wrong not in log


def test_a_server_without_a_gate_does_not_load_cryptography() -> None:
    code = "import slipway_server.startup.serve, sys; print({'jwt', 'cryptography'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "set()"


def test_without_a_gate_nothing_is_asked_and_a_pass_is_passed_over(digits: Server) -> None:
    assert answer_of(digits, None).status == answer_of(digits, "nonsense").status == 200
