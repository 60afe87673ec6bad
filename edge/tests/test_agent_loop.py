"""The loop, the control side's client and what is reported, against a control side that speaks HTTP."""

import base64
import http.server
import json
import random
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from devices_room import WEIGHTS, Device, FakeClock, LosingDisk, Signer, document, entry
from slipway_edge.__main__ import main
from slipway_edge.asking.golden import Answer, judged
from slipway_edge.control.client import Control
from slipway_edge.disk.files import real_files
from slipway_edge.fetching import pieces
from slipway_edge.forwarding.forwarder import Forwarder
from slipway_edge.identity.device_key import loaded, made
from slipway_edge.reporting.machine import Machine
from slipway_edge.reporting.outbox import KEPT, Outbox
from slipway_edge.rolling.serving import p95_ms
from slipway_edge.startup.enrolment import enrolment, pin
from slipway_edge.startup.keys import Keys
from slipway_edge.startup.loop import Agent, Link
from slipway_edge.values.document import Check
from slipway_edge.values.errors import Away, EdgeError


class ControlServer:
    """Refuses a token that was used, a wrong signature and a number that was used."""

    def __init__(self) -> None:
        self.signer = Signer()
        self.tokens = {"good-token"}
        self.devices: dict[str, Ed25519PublicKey] = {}
        self.nonces: dict[str, int] = {}
        self.envelope = b""
        self.etag = '"1"'
        self.reports: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.asks_for_logs = self.refuses_keys = self.loses_answers = False
        self.gets: list[int] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = server.desired(self)
                server.gets.append(status)
                self._send(status, body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._send(*(server.enrol(body) if self.path == "/v1/enrol" else server.report(self, body)))

            def _send(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("ETag", server.etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def enrol(self, body: bytes) -> tuple[int, bytes]:
        asked = json.loads(body)
        if asked["token"] not in self.tokens:
            return 409, b'{"error": "the token was used"}'
        self.tokens.remove(asked["token"])
        self.devices[asked["device"]] = Ed25519PublicKey.from_public_bytes(base64.b64decode(asked["public_key"]))
        return 200, json.dumps({"fleet": "edge-eu", "signing_keys": [self.signer.public]}).encode()

    def desired(self, request: Any) -> tuple[int, bytes]:
        if not self._signed(request, b""):
            return 401, b'{"error": "signature"}'
        if request.headers.get("If-None-Match") == self.etag:
            return 304, b""
        return (200, self.envelope) if self.envelope else (204, b"")

    def report(self, request: Any, body: bytes) -> tuple[int, bytes]:
        if not self._signed(request, body):
            return 401, b'{"error": "signature"}'
        if request.path.endswith("/key"):
            return self.rekey(request, json.loads(body))
        if request.path.endswith("/logs"):
            self.logs += json.loads(body)["lines"]
            return 204, b""
        self.reports.append(json.loads(body))
        return (200, b'{"logs": true}') if self.asks_for_logs else (204, b"")

    def rekey(self, request: Any, sent: dict[str, str]) -> tuple[int, bytes]:
        if self.refuses_keys:
            return 404, b"{}"
        name, public = request.headers["X-Slipway-Device"], sent["public_key"]
        new = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        new.verify(base64.b64decode(sent["signature"]), f"slipway-device-key-1\nedge-eu\n{name}\n{public}".encode())
        self.devices[name] = new
        if self.loses_answers:
            raise ConnectionAbortedError
        return 204, b""

    def _signed(self, request: Any, body: bytes) -> bool:
        name, nonce = request.headers["X-Slipway-Device"], int(request.headers["X-Slipway-Nonce"])
        text = f"{request.command}\n{request.path}\n{nonce}\n{sha256(body).hexdigest()}".encode()
        try:
            self.devices[name].verify(base64.b64decode(request.headers["X-Slipway-Signature"]), text)
        except (KeyError, InvalidSignature):
            return False
        fresh = nonce > self.nonces.get(name, 0)
        self.nonces[name] = max(nonce, self.nonces.get(name, 0))
        return fresh


@pytest.fixture
def server() -> Iterator[ControlServer]:
    made = ControlServer()
    yield made
    made.stop()


@pytest.fixture
def home(tmp_path: Path, server: ControlServer) -> Path:
    """Of a device that is enrolled."""
    token = tmp_path / "token"
    token.write_text("good-token\n")
    assert main([*enrolling(server.url, tmp_path / "home"), "--token-file", str(token)]) == 0
    return tmp_path / "home"


def enrolling(url: str, home: Path, device: str = "pi-001") -> list[str]:
    return ["enrol", "--control", url, "--device", device, "--home", str(home)]


def agent_of(home: Path, server: ControlServer, device: Device) -> Agent:
    told = enrolment(home, real_files())
    control = Control(told.url)
    keys = Keys(home, real_files(), control, told.pinned, device.book.next_nonce)
    link = Link(
        lambda etag: control.desired("pi-001", keys.current(), device.book.next_nonce, etag),
        lambda report: control.report("pi-001", keys.key, device.book.next_nonce, report),
        lambda lines: control.logs("pi-001", keys.key, device.book.next_nonce, lines),
        lambda keys: pin(home, keys, real_files()),
    )
    return Agent(
        told.pinned,
        link,
        device.book,
        device.roller,
        device.bringing,
        Machine(home),
        device.clock,
        device.feeds,
        device.counting,
    )


@pytest.fixture
def device() -> Device:
    return Device(LosingDisk(random.Random(0)))


def steps(agent: Agent, device: Device, count: int = 1) -> None:
    for _ in range(count):
        device.clock.sleep(agent.step())
        device.clock.sleep(40)


def test_a_device_brings_what_was_signed_and_reports_it(home: Path, server: ControlServer, device: Device) -> None:
    agent = agent_of(home, server, device)
    steps(agent, device)
    assert server.gets == [204]
    server.envelope = server.signer.document(17, entry())
    steps(agent, device, 3)
    assert server.gets == [204, 200, 304, 304]
    assert device.serves() == "1.0.0"
    said = server.reports[-1]
    assert said["serial"] == 17
    assert said["models"][0]["state"] == "good"
    assert said["models"][0]["errors"] == 0
    assert said["age_s"] == 0


def test_a_key_takes_the_place_of_another_that_signed_so_and_the_old_one_is_void(
    home: Path, server: ControlServer, device: Device
) -> None:
    old, new = server.signer, Signer()
    agent = agent_of(home, server, device)
    server.etag, server.envelope = '"1"', new.document(1, entry(), signing_keys=[new.public])
    steps(agent, device, 2)
    assert server.reports[-1]["refused"].startswith("signed by key ")
    server.etag, server.envelope = '"2"', old.document(2, entry(), signing_keys=[old.public, new.public])
    steps(agent, device, 2)
    assert enrolment(home, real_files()).pinned.signing_keys == (old.public, new.public)
    server.etag, server.envelope = '"3"', new.document(3, entry("1.1.0"), signing_keys=[new.public])
    steps(agent_of(home, server, device), device, 2)
    assert device.book.record.serial == 3
    server.etag, server.envelope = '"4"', old.document(4, entry())
    again = agent_of(home, server, device)
    steps(again, device, 2)
    assert (device.book.record.serial, device.serves()) == (3, "1.1.0")
    assert server.reports[-1]["refused"].startswith("signed by key ")


def test_keys_that_cannot_be_kept_are_not_taken_and_asked_for_again(
    home: Path, server: ControlServer, device: Device
) -> None:
    agent, new = agent_of(home, server, device), Signer()
    told = (home / "enrolment.json").read_bytes()
    (home / "enrolment.json").unlink()
    server.envelope = server.signer.document(1, entry(), signing_keys=[server.signer.public, new.public])
    steps(agent, device, 2)
    assert device.book.record.serial == 0
    (home / "enrolment.json").write_bytes(told)
    steps(agent, device, 2)
    assert device.book.record.serial == 1


def rotated(home: Path) -> None:
    assert main(["rotate", "--home", str(home)]) == 0


def test_a_running_agent_replaces_its_key(home: Path, server: ControlServer, device: Device) -> None:
    agent, before = agent_of(home, server, device), loaded(home).public
    server.envelope = server.signer.document(1, entry())
    steps(agent, device)
    rotated(home)
    steps(agent, device, 2)
    assert loaded(home).public != before
    assert sorted(path.name for path in home.glob("*.pem")) == ["key.pem"]
    assert server.gets == [200, 304, 304]


def test_a_key_whose_answer_was_lost_is_used_although_the_old_one_is_void(
    home: Path, server: ControlServer, device: Device
) -> None:
    agent = agent_of(home, server, device)
    server.envelope = server.signer.document(1, entry())
    rotated(home)
    server.loses_answers = True
    steps(agent, device)
    server.loses_answers = False
    assert (home / "key-next.pem").exists()
    steps(agent_of(home, server, device), device, 2)
    assert not (home / "key-next.pem").exists()
    assert server.gets[-1] == 304


def test_a_control_side_that_takes_no_key_leaves_the_old_one(home: Path, server: ControlServer, device: Device) -> None:
    agent = agent_of(home, server, device)
    server.refuses_keys, server.envelope = True, server.signer.document(1, entry())
    rotated(home)
    steps(agent, device, 2)
    assert (server.gets, device.serves()) == ([200, 304], "1.0.0")


def test_a_log_leaves_when_it_is_asked_for_and_the_signed_document_says_it_may(
    home: Path, server: ControlServer, device: Device
) -> None:
    server.envelope = server.signer.document(1, entry(), telemetry=["latency"])
    agent = agent_of(home, server, device)
    server.asks_for_logs = True
    steps(agent, device, 3)
    assert server.logs == []
    server.etag, server.envelope = '"2"', server.signer.document(2, entry(), telemetry=["logs"])
    server.asks_for_logs = False
    steps(agent, device, 3)
    assert server.logs == []
    server.asks_for_logs = True
    steps(agent, device)
    assert any(one["event"] == "taken" and '"serial": 2' in one["values"] for one in server.logs)
    assert all(set(one) == {"age_s", "event", "values"} and one["age_s"] >= 0 for one in server.logs)


def test_what_telemetry_does_not_name_does_not_leave(home: Path, server: ControlServer, device: Device) -> None:
    server.envelope = server.signer.document(1, entry(), telemetry=[])
    agent = agent_of(home, server, device)
    steps(agent, device, 3)
    assert set(server.reports[-1]) == {"serial", "agent", "models", "uptime_s", "age_s"}
    assert set(server.reports[-1]["models"][0]) == {"model", "version", "release", "state", "reason"}
    server.etag, server.envelope = '"2"', server.signer.document(2, entry(), telemetry=["memory", "disk", "latency"])
    steps(agent, device, 3)
    assert {"memory_free", "disk_free"} < set(server.reports[-1])
    assert "latency_p95_ms" in server.reports[-1]["models"][0]


def test_what_a_model_tells_is_its_own_telemetry_and_counts_of_its_feed_only_if_named(
    home: Path, server: ControlServer, device: Device
) -> None:
    fed = {
        "source": {"folder": {"path": "/srv/in", "keep": 1}},
        "sink": {"folder": {"path": "/srv/out", "keep": 1}, "waiting": 2**20},
    }
    server.envelope = server.signer.document(1, entry(**fed))
    agent = agent_of(home, server, device)
    steps(agent, device, 3)
    assert [one.source for one in device.feeds.entries] == [entry(**fed).source]
    assert "feeds" not in server.reports[-1]["models"][0]
    server.etag, server.envelope = '"2"', server.signer.document(2, entry(**fed, telemetry=["feeds"]))
    steps(agent, device, 3)
    said = server.reports[-1]["models"][0]
    assert said["feeds"] == {"inputs": 3}
    assert {"latency_p95_ms", "errors"}.isdisjoint(said)


def test_an_old_document_changes_nothing_and_is_told(home: Path, server: ControlServer, device: Device) -> None:
    agent = agent_of(home, server, device)
    server.envelope = server.signer.document(2, entry("1.1.0"))
    steps(agent, device, 2)
    server.etag, server.envelope = '"3"', server.signer.document(1, entry())
    steps(agent, device, 2)
    assert device.serves() == "1.1.0"
    assert "an old one was sent again" in server.reports[-1]["refused"]
    # After a start as well: the serial is on the disk.
    device.boot()
    steps(agent_of(home, server, device), device, 2)
    assert device.serves() == "1.1.0"


def test_without_a_link_reports_wait_and_come_later_oldest_first(
    home: Path, server: ControlServer, device: Device
) -> None:
    server.envelope = server.signer.document(1, entry())
    agent = agent_of(home, server, device)
    steps(agent, device, 2)
    before = len(server.reports)
    key = server.devices.pop("pi-001")
    steps(agent, device, 5)
    assert len(server.reports) == before
    server.devices["pi-001"] = key
    steps(agent, device, 1)
    ages = [said["age_s"] for said in server.reports[before:]]
    assert len(ages) >= 5
    assert ages == sorted(ages, reverse=True)
    assert device.serves() == "1.0.0"


def test_a_device_that_starts_without_a_link_serves_what_was_good(
    home: Path, server: ControlServer, device: Device
) -> None:
    server.envelope = server.signer.document(1, entry())
    steps(agent_of(home, server, device), device, 2)
    server.devices.clear()
    device.engine.kill()
    device.engine.link = False
    device.boot()
    agent_of(home, server, device).step()
    assert device.serves() == "1.0.0"


def test_an_engine_that_is_away_at_the_start_is_asked_again(home: Path, server: ControlServer, device: Device) -> None:
    server.envelope = server.signer.document(1, entry())
    device.engine.up = False
    agent = agent_of(home, server, device)
    steps(agent, device, 2)
    device.engine.up = True
    steps(agent, device, 2)
    assert device.serves() == "1.0.0"


def test_the_outbox_drops_the_oldest_first() -> None:
    outbox = Outbox(FakeClock())
    for number in range(KEPT + 5):
        outbox.add({"number": number})
    sent: list[dict[str, object]] = []
    outbox.send(sent.append)
    assert (outbox.dropped, sent[0]["number"]) == (5, 5)

    def away(report: dict[str, object]) -> None:
        raise Away("no link")

    waiting = len(outbox)
    with pytest.raises(Away):
        outbox.send(away)
    assert len(outbox) == waiting


def test_a_token_is_good_once_and_is_no_argument(
    home: Path, server: ControlServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    assert main([*enrolling(server.url, tmp_path / "other", "pi-002"), "--token-file", str(token)]) == 1
    said = capsys.readouterr().err
    assert "status 409, the token was used; next: have a new token made" in said
    assert "good-token" not in said
    assert main([*enrolling(server.url, home), "--token-file", str(token)]) == 1
    assert "is enrolled; next: move it away" in capsys.readouterr().err
    for path in home.iterdir():
        assert "good-token" not in path.read_text(), path
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"url": "http://fleet.example"}, "allowed: https"),
        ({"url": "fleet.example"}, "allowed: https://HOST"),
        ({"device": "Pi 1"}, "--device is 'Pi 1'; allowed: small letters"),
        ({"token": "a b"}, "the token is empty or no token"),
        ({"token": ""}, "the token is empty or no token"),
        ({"url": "http://127.0.0.1:9"}, "the control side at http://127.0.0.1:9: NewConnectionError"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_enrolled(
    tmp_path: Path, changed: dict[str, str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"url": "http://127.0.0.1:9", "device": "pi-001", "token": "token", **changed}
    (tmp_path / "token").write_text(given["token"])
    argv = enrolling(given["url"], tmp_path / "home", given["device"])
    assert main([*argv, "--token-file", str(tmp_path / "token")]) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "home" / "enrolment.json").exists()


def test_a_device_that_is_not_enrolled_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--home", str(tmp_path)]) == 1
    assert "next: slipway-edge enrol" in capsys.readouterr().err
    assert main(["run", "--home", str(tmp_path), "--listen", "0.0.0.0"]) == 1
    assert "allowed: an address of loopback" in capsys.readouterr().err


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    made(tmp_path, real_files())
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(EdgeError, match="has mode 644; allowed: 600"):
        loaded(tmp_path)


CHECK = Check(path="/predict", request={}, expect={"label": 7, "scores": [0.25, 0.75]}, tolerance=1e-2)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"outputs": {"label": [7], "scores": [0.251, 0.749]}}, ""),
        (
            {
                "outputs": [
                    {"name": "label", "shape": [1], "datatype": "INT64", "data": [7]},
                    {"name": "scores", "shape": [2], "datatype": "FP32", "data": [0.25, 0.75]},
                ]
            },
            "",
        ),
        ({"outputs": {"label": [3], "scores": [0.25, 0.75]}}, "output `label` is 3, expected 7"),
        ({"outputs": {"label": [7], "scores": [0.3, 0.7]}}, "element 0 of output `scores` is 0.3"),
        ({"outputs": {"label": [7]}}, "the answer has no output `scores`"),
        ({}, "it has no outputs that can be read"),
    ],
)
def test_an_answer_is_judged_as_the_model_server_judges_itself(body: object, says: str) -> None:
    reason = judged(json.dumps(body).encode(), CHECK)
    assert says in reason
    assert bool(says) == bool(reason)


def test_what_is_no_tensor_is_found_by_pointer() -> None:
    check = Check(path="/v1/chat", request={}, expect={"/choices/0/text": "Paris"})
    assert judged(b'{"choices": [{"text": "Paris"}]}', check) == ""
    assert "expected" in judged(b'{"choices": [{"text": "Rome"}]}', check)


def test_p95_is_by_nearest_rank_of_what_was_answered() -> None:
    answers = [Answer(number / 1000, "", settled=True) for number in range(1, 21)]
    assert p95_ms([*answers, Answer(9.0, "no answer", settled=False)]) == 19
    assert p95_ms([]) is None


def test_a_port_leads_to_the_new_version_and_open_connections_stay_with_the_old_one() -> None:
    def serving(text: bytes) -> tuple[str, int]:
        listening = socket.create_server(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                there, _ = listening.accept()
                threading.Thread(target=echo, args=(there,), daemon=True).start()

        def echo(there: socket.socket) -> None:
            while there.recv(100):
                there.sendall(text)

        threading.Thread(target=answer, daemon=True).start()
        return ("127.0.0.1", int(listening.getsockname()[1]))

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    ports = Forwarder()

    def connection() -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout=30)

    def asked(there: socket.socket) -> bytes:
        there.sendall(b"?")
        return there.recv(100)

    ports.lead(port, serving(b"old"))
    with connection() as early:
        assert asked(early) == b"old"
        ports.lead(port, serving(b"new"))
        with connection() as late:
            assert asked(late) == b"new"
        assert asked(early) == b"old"
    taken = socket.create_server(("127.0.0.1", 0))
    with pytest.raises(Away, match="cannot listen"):
        ports.lead(taken.getsockname()[1], ("127.0.0.1", 1))
    taken.close()
    ports.end()
    with pytest.raises(OSError):
        connection()


def test_sensors_that_are_not_there_are_none(tmp_path: Path) -> None:
    machine = Machine(tmp_path, sys=tmp_path)
    assert machine.temperature_c() is None
    zone = tmp_path / "class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("48312\n")
    assert machine.temperature_c() == 48.312
    assert machine.memory_free() > 0


def test_a_document_in_force_is_read_again_at_the_start(home: Path, server: ControlServer, device: Device) -> None:
    device.book.take(4, document(4, entry(), interval_s=7))
    agent = agent_of(home, server, device)
    assert agent.document is not None
    assert agent.document.interval_s == 7


def test_a_version_that_is_withdrawn_while_its_weights_come_is_let_go_of(
    home: Path, server: ControlServer, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE", 1024)
    device.source.block = 1024
    file = device.source.put(random.Random(0).randbytes(90 * 1024))
    large = entry("1.1.0", weights={"folder": "/model", "files": [file.model_dump()]})
    server.envelope = server.signer.document(1, large, pull={"bytes_per_s": 1024})
    agent = agent_of(home, server, device)
    assert agent.step() == 0.0
    sent = device.source.sent
    assert 0 < sent < 90 * 1024
    # It goes on without asking until a question is due; the next document is asked for while most is missing.
    assert agent.step() == 0.0
    assert device.source.sent > sent
    server.etag, server.envelope = '"2"', server.signer.document(2)
    while agent.document is None or agent.document.serial < 2:
        agent.step()
    assert device.source.sent < 80 * 1024
    assert server.reports[-1]["models"] == [] or "is here" in server.reports[-1]["models"][0]["reason"]
    assert device.disk.names(WEIGHTS) == []
