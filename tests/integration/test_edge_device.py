"""The real agent on a Docker Engine of its own: digits answers, a bad version never does, the good one stays."""

import base64
import http.server
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import docker
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from slipway_edge.disk.files import real_files
from slipway_edge.engine.docker_engine import DockerEngine

from slipway.local.docker import base_image
from tests.support.edge_devices import DIGITS, Device, device, digits_entry, digits_image, golden
from tests.support.fed_models import put
from tests.support.small_disks import registry

pytestmark = pytest.mark.integration

REGISTRY = "127.0.0.1:5993"
PORT = 18231
LIMIT_S = 120
WEIGHTS = (DIGITS / "model.onnx").read_bytes()
SEVEN = (DIGITS / "seven.png").read_bytes()


class ControlSide:
    """Speaks the protocol of devices: signs documents, and takes nothing that a device has not signed."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._device: Ed25519PublicKey | None = None
        self._nonce = 0
        self._document: bytes | None = None
        self.serial = 0
        self.reports: list[dict[str, Any]] = []
        self.refused: list[str] = []
        side = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                side.answer(self, b"")

            def do_POST(self) -> None:
                side.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def want(self, entry: dict[str, Any]) -> None:
        """Sign a new document with this one model."""
        self.serial += 1
        said = {"schema": 1, "fleet": "edge-eu", "device": "pi-001", "serial": self.serial, "issued": ""}
        said |= {"models": [entry], "telemetry": ["latency"], "interval_s": 1}
        self._document = json.dumps(said).encode()

    def answer(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        status, answer = self._answer(request, body)
        request.send_response(status)
        if status == http.HTTPStatus.PARTIAL_CONTENT:
            request.send_header("Content-Range", f"bytes 0-{len(answer) - 1}/{len(answer)}")
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if request.path == "/v1/enrol":
            asked = json.loads(body)
            if asked["token"] != "once" or self._device is not None:
                return 409, b'{"error": "the token was used"}'
            self._device = Ed25519PublicKey.from_public_bytes(base64.b64decode(asked["public_key"]))
            keys = [base64.b64encode(self._public).decode()]
            return 200, json.dumps({"fleet": "edge-eu", "signing_keys": keys}).encode()
        nonce = int(request.headers["X-Slipway-Nonce"])
        text = f"{request.command}\n{request.path}\n{nonce}\n{sha256(body).hexdigest()}".encode()
        try:
            assert self._device is not None
            self._device.verify(base64.b64decode(request.headers["X-Slipway-Signature"]), text)
            assert nonce > self._nonce
        except (AssertionError, InvalidSignature) as error:
            self.refused.append(repr(error))
            return 401, b'{"error": "signature or nonce"}'
        self._nonce = nonce
        if request.command == "POST":
            self.reports.append(json.loads(body))
            return 204, b""
        if request.path == f"/v1/devices/pi-001/weights/{sha256(WEIGHTS).hexdigest()}":
            assert request.headers["Range"] == f"bytes=0-{len(WEIGHTS) - 1}"
            return 206, WEIGHTS
        if self._document is None:
            return 204, b""
        said = {
            "payload": base64.b64encode(self._document).decode(),
            "key": sha256(self._public).hexdigest()[:16],
            "signature": base64.b64encode(self._key.sign(self._document)).decode(),
        }
        return 200, json.dumps(said).encode()


@pytest.fixture
def control() -> Iterator[ControlSide]:
    made = ControlSide()
    yield made
    made.stop()


def entry(one: Device, image: str, version: str, label: int) -> dict[str, Any]:
    check = {"path": "/predict", "request": golden(), "expect": {"label": label}, "tolerance": 1e-4}
    health = {"p95_ms": None, "errors": 0.5, "settle_s": 2}
    return digits_entry(image, version, port=PORT, check=check, health=health) | {
        "priority": 10,
        "cpuset": "0",
        "realtime": True,
        "source": {"folder": {"path": str(one.feeds / "in"), "keep": 10}},
        "sink": {"folder": {"path": str(one.feeds / "out"), "keep": 10}, "waiting": 2**20},
    }


def fetching(said: dict[str, Any]) -> dict[str, Any]:
    """The same with weights that are not in the image: the server is told another path than that of those that are."""
    file = {"name": "model.onnx", "sha256": sha256(WEIGHTS).hexdigest(), "bytes": len(WEIGHTS), "pieces": None}
    model = said["config"]["model"] | {"path": "/fetched/model.onnx"}
    return said | {"weights": {"folder": "/fetched", "files": [file]}, "config": said["config"] | {"model": model}}


def until(what: str, holds: Callable[[], object], one: Device) -> None:
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {LIMIT_S} s\n{one.log.read_text()[-4000:]}"
        time.sleep(0.2)


def asked() -> dict[str, Any]:
    """What a caller on the device gets."""
    call = urllib.request.Request(f"http://127.0.0.1:{PORT}/predict", json.dumps(golden()).encode())
    call.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(call, timeout=10) as answer:
        said: dict[str, Any] = json.loads(answer.read())
    return said


def labels(one: Device) -> dict[str, tuple[str, int]]:
    """By the file's name: the version that answered, and what it said."""
    said = [json.loads(file.read_bytes()) for file in (one.feeds / "out").glob("*.json")]
    return {each["input"]: (each["answer"]["version"], each["answer"]["outputs"]["label"][0]) for each in said}


def answers() -> bool:
    try:
        return bool(asked()["outputs"]["label"] == [7])
    except OSError:
        return False


def test_a_device_takes_a_version_refuses_a_bad_one_and_starts_without_anything_but_itself(
    tmp_path: Path, control: ControlSide
) -> None:
    states = tmp_path / "registry"
    states.mkdir()
    with device(tmp_path / "pi-001", "pi-001") as one:
        for name in ("in", "out"):
            (one.feeds / name).mkdir()
        with registry(states, states / "data", REGISTRY):
            client = docker.DockerClient(base_url=one.docker_host, timeout=300)
            image = digits_image(client, base_image.build(lambda _: None), f"{REGISTRY}/digits")
            assert "enrolled pi-001 in fleet edge-eu" in one.enrol(control.url, "once")
            assert (one.home / "key.pem").stat().st_mode & 0o777 == 0o600
            control.want(entry(one, image, "1.0.0", 7))
            one.start()
            until("1.0.0 good", lambda: state(control) == ("1.0.0", "good"), one)
            assert asked()["outputs"]["label"] == [7]
            put(one.feeds / "in", "seven.png", SEVEN)
            until("the picture is answered", lambda: labels(one) == {"seven.png": ("1.0.0", 7)}, one)

            control.want(entry(one, image, "1.1.0", 3))
            until("1.1.0 returned", lambda: state(control) == ("1.1.0", "returned"), one)
            assert "expected 3" in control.reports[-1]["models"][0]["reason"]
            assert asked()["outputs"]["label"] == [7]
            put(one.feeds / "in", "again.png", SEVEN)
            both = {"seven.png": ("1.0.0", 7), "again.png": ("1.0.0", 7)}
            until("a picture is answered by the version before", lambda: labels(one) == both, one)

            control.want(fetching(entry(one, image, "1.2.0", 7)))
            until("1.2.0 good", lambda: state(control) == ("1.2.0", "good"), one)
            assert asked()["outputs"]["label"] == [7]

        (running,) = client.containers.list()
        mounts = {each["Destination"]: each["RW"] for each in running.attrs["Mounts"]}
        assert mounts == {"/etc/slipway/server.json": False, "/fetched/model.onnx": False}
        held = running.attrs["HostConfig"]
        assert (held["ReadonlyRootfs"], held["CapDrop"], held["Memory"]) == (True, ["ALL"], 512 * 2**20)
        assert (held["CpusetCpus"], held["CpuShares"]) == ("0", 11 * 1024)
        assert held["SecurityOpt"] == ["no-new-privileges"]
        routes = running.exec_run(["cat", "/proc/net/route"]).output
        assert isinstance(routes, bytes)
        ways_out = routes.decode().splitlines()[1:]
        assert [line for line in ways_out if line.split()[1] == "00000000"] == []
        # The registry is gone, the control side goes, the agent and the model are killed: as after a power cut.
        control.stop()
        one.kill()
        # Where no model is real-time any more, what runs gets all processors back without being started anew.
        DockerEngine(one.docker_host, one.home / "configs", real_files(), one.home / "weights").share_out([])
        running.reload()
        assert running.attrs["HostConfig"]["CpusetCpus"] == f"0-{client.info()['NCPU'] - 1}"
        running.kill()
        client.close()
        assert not answers()
        one.start()
        until("1.2.0 again, without a network", answers, one)
    assert control.refused == []


def state(control: ControlSide) -> tuple[str, str] | None:
    models = control.reports[-1]["models"] if control.reports else []
    return (models[0]["version"], models[0]["state"]) if models else None
