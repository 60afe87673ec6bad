"""Samples: chosen, encrypted and written beside the answers, which never wait for them nor fail with them."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.server import ThreadedMotoServer
from processes import START_LIMIT_S, digits_config, running, start
from slipway_server.capture import capture as capturing
from slipway_server.capture.capture import Capture
from slipway_server.capture.keyring import KEY_S, Keyring, KeysMissing
from slipway_server.capture.sealing import (
    DIGEST,
    PUBLIC,
    BadKey,
    Unreadable,
    digest_of,
    new_key,
    opened,
    private_key,
    public_key,
    sealed,
    unwrapped,
    wrapped,
)
from slipway_server.capture.store import StoreFailed
from slipway_server.capture.subject import subject_of
from slipway_server.capture.writing import Kept, Writer
from slipway_server.pipeline.caller import caller_subject
from slipway_server.steps.sample import Sample
from slipway_server.values.capture import SampleSection
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor

PRIVATE = X25519PrivateKey.generate()
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SECRET = bytes(range(32))
SIGNATURE = Signature(
    (Tensor("image", "FP32", (None, 2)), Tensor("text", "BYTES", (None,))), (Tensor("label", "INT64", (None,)),), {}
)
INPUTS = {"image": np.array([[1.0, 2.0]], np.float32), "text": np.array([b"na\xc3\xafve"], np.object_)}
OUTPUTS = {"label": np.array([7], np.int64)}
ABOUT = {"model": "digits", "version": "1.0.0", "release": "0123"}


class Objects:
    """A store in memory that refuses while it is told to. `order`: keys as they came."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}
        self.order: list[str] = []
        self.failing = False
        self.held = threading.Event()
        self.held.set()

    def put(self, key: str, data: bytes, /) -> None:
        self.held.wait(60)
        if self.failing:
            raise StoreFailed("Refused")
        self.there[key] = data
        self.order.append(key)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def folder_of_keys(folder: Path) -> Path:
    (folder / PUBLIC).write_bytes(PEM)
    (folder / DIGEST).write_bytes(SECRET)
    return folder


def read_all(objects: dict[str, bytes]) -> list[tuple[str, dict[str, Any]]]:
    """Every sample, by whom it is about, read with the private key."""
    names = {key.rpartition("/")[2]: key for key in objects if "/keys/" in key}
    found = []
    for key, data in objects.items():
        for line in data.splitlines() if "/samples/" in key else []:
            one = json.loads(line)
            at = names[one["key"]]
            secret = unwrapped(one["key"], objects[at], PRIVATE)
            sample = json.loads(opened(base64.b64decode(one["sealed"]), one["key"], secret))
            found.append((at.split("/")[-2], sample))
    return found


def kept(subject: str | None) -> Kept:
    return Kept(1_800_000_000.0, subject, INPUTS, OUTPUTS, 100)


def test_what_is_sealed_opens_with_its_own_key_and_name_only() -> None:
    name, key = new_key()
    data = sealed(b"sample", name, key)
    assert b"sample" not in data
    assert opened(data, name, key) == b"sample"
    for other in ((name, new_key()[1]), ("another", key)):
        with pytest.raises(Unreadable):
            opened(data, *other)
    with pytest.raises(Unreadable):
        opened(b"", name, key)


def test_a_key_that_was_wrapped_is_had_with_the_private_key_and_its_name_only() -> None:
    name, key = new_key()
    data = wrapped(name, key, PRIVATE.public_key())
    assert unwrapped(name, data, PRIVATE) == key
    for other in ((name, data, X25519PrivateKey.generate()), ("another", data, PRIVATE), (name, b"short", PRIVATE)):
        with pytest.raises(Unreadable):
            unwrapped(*other)


def test_keys_of_another_kind_are_refused_by_name() -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadKey, match="Ed25519PublicKey"):
        public_key(other)
    with pytest.raises(BadKey, match="no public key"):
        public_key(b"nonsense")
    with pytest.raises(BadKey, match="no private key"):
        private_key(PEM)


def test_a_digest_needs_the_key() -> None:
    assert digest_of("anna", SECRET) == digest_of("anna", SECRET) != digest_of("anna", bytes(32))


@pytest.mark.parametrize(("said", "subject"), [(None, None), (b" anna ", "anna"), ("jürgen".encode(), "jürgen")])
def test_a_header_names_a_subject(said: bytes | None, subject: str | None) -> None:
    assert subject_of(said) == subject


@pytest.mark.parametrize("said", [b"", b"a\tb", b"\xff", b"a" * 257], ids=["empty", "control", "no-text", "long"])
def test_what_is_no_name_of_a_subject_is_none(said: bytes) -> None:
    with pytest.raises(ValueError, match=r"subject|utf-8"):
        subject_of(said)


def test_a_sample_has_the_named_tensors_without_those_left_out() -> None:
    assert Sample(SampleSection(), SIGNATURE).of(INPUTS, OUTPUTS) == (INPUTS, OUTPUTS)
    some = Sample(SampleSection(fields=["image", "label"], redact=["image"]), SIGNATURE)
    assert some.of(INPUTS, OUTPUTS) == ({}, OUTPUTS)


@pytest.mark.parametrize(
    ("section", "field", "problem"),
    [
        ({"fields": ["pixel"]}, "capture.fields", "pixel"),
        ({"redact": ["pixel"]}, "capture.redact", "pixel"),
        ({"fields": ["label"], "redact": ["label"]}, "capture.redact", "nothing to keep"),
    ],
    ids=["unknown-field", "unknown-redacted", "nothing-left"],
)
def test_fields_that_the_model_does_not_have_are_refused(section: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem) as caught:
        Sample(SampleSection.model_validate(section), SIGNATURE)
    assert caught.value.field == field


def test_a_subject_has_one_key_for_an_hour() -> None:
    clock = Clock()
    ring = Keyring(SECRET, PRIVATE.public_key(), clock)
    first = ring.key("anna")
    assert ring.key("anna") is first
    assert ring.key("bert").secret != first.secret
    assert ring.key(None).path.startswith("keys/none/")
    clock.now = KEY_S
    assert ring.key("anna").name != first.name


@pytest.mark.parametrize("broken", [DIGEST, PUBLIC])
def test_keys_that_are_missing_or_wrong_are_named(tmp_path: Path, broken: str) -> None:
    folder_of_keys(tmp_path)
    (tmp_path / broken).write_bytes(b"short")
    with pytest.raises(KeysMissing, match=broken):
        Keyring.of(tmp_path, Clock())
    (tmp_path / broken).unlink()
    with pytest.raises(KeysMissing, match="cannot be read"):
        Keyring.of(tmp_path, Clock())


def test_a_batch_is_stored_behind_its_keys_and_shows_nothing_of_what_is_in_it() -> None:
    store, counted = Objects(), Counter[str]()
    writer = Writer(Keyring(SECRET, PRIVATE.public_key(), Clock()), store, "capture/30d/digits", ABOUT, _into(counted))
    writer.write([kept("anna"), kept("anna"), kept(None)])
    assert [key.split("/")[3] for key in store.order] == ["keys", "keys", "samples"]
    assert counted == {"stored": 3}
    found = read_all(store.there)
    mine = digest_of("anna", SECRET)
    assert [who for who, _ in found] == [mine, mine, "none"]
    assert found[0][1] == {
        "at": "2027-01-15T08:00:00.000+00:00",
        **ABOUT,
        "inputs": {"image": [[1.0, 2.0]], "text": ["naïve"]},
        "outputs": {"label": [7]},
    }
    everything = b"".join([key.encode() + data for key, data in store.there.items()])
    assert b"anna" not in everything
    assert b"label" not in everything
    writer.write([kept("anna")])
    assert [key.split("/")[3] for key in store.order[3:]] == ["samples"], "its key is there"


def test_a_store_that_refuses_costs_samples_and_is_asked_again_with_the_keys() -> None:
    store, counted = Objects(), Counter[str]()
    writer = Writer(Keyring(SECRET, PRIVATE.public_key(), Clock()), store, "capture/30d/digits", ABOUT, _into(counted))
    store.failing = True
    writer.write([kept("anna")])
    store.failing = False
    writer.write([kept("anna")])
    assert counted == {"store_failed": 1, "stored": 1}
    assert len(read_all(store.there)) == 1


def _into(counted: Counter[str]) -> Any:
    def count(result: str, many: int) -> None:
        counted[result] += many

    return count


@pytest.fixture
def store() -> Objects:
    return Objects()


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


@pytest.fixture
def chances() -> list[float]:
    return []


@pytest.fixture
def captured(store: Objects, counted: Counter[str], chances: list[float]) -> Iterator[Capture]:
    writer = Writer(Keyring(SECRET, PRIVATE.public_key(), Clock()), store, "capture/1d/digits", ABOUT, _into(counted))
    sample = Sample(SampleSection(), SIGNATURE)
    made = Capture(0.5, sample, writer, _into(counted), lambda: chances.pop(0) if chances else 0.0)
    yield made
    store.held.set()
    made.close()


def test_chance_decides_what_is_kept(captured: Capture, store: Objects, chances: list[float]) -> None:
    chances += [0.49, 0.5, 0.99]
    for _ in range(3):
        captured.offer(INPUTS, OUTPUTS)
    captured.close()
    assert len(read_all(store.there)) == 1


def test_samples_are_of_the_subject_of_their_request(captured: Capture, store: Objects) -> None:
    token = caller_subject.set(b"anna")
    captured.offer(INPUTS, OUTPUTS)
    caller_subject.reset(token)
    captured.close()
    assert [who for who, _ in read_all(store.there)] == [digest_of("anna", SECRET)]


def test_a_sample_is_a_copy(captured: Capture, store: Objects) -> None:
    image = np.array([[1.0, 2.0]], np.float32)
    captured.offer({"image": image}, OUTPUTS)
    image[:] = 0
    captured.close()
    assert read_all(store.there)[0][1]["inputs"] == {"image": [[1.0, 2.0]]}


def test_what_is_too_much_or_of_nobody_is_dropped_and_counted(
    captured: Capture, store: Objects, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.held.clear()
    captured.offer({"image": np.zeros(capturing.SAMPLE_MOST, np.uint8)}, {"label": np.zeros(1, np.int8)})
    assert counted == {"too_large": 1}
    token = caller_subject.set(b"\xff")
    captured.offer(INPUTS, OUTPUTS)
    caller_subject.reset(token)
    assert counted == {"too_large": 1, "bad_subject": 1}
    monkeypatch.setattr(capturing, "QUEUE_MOST", 2 * 2**17)
    for _ in range(5):
        captured.offer({"image": np.zeros(2**17, np.uint8)}, {})
    assert counted["dropped"] == 3, "nobody waits for a store that hangs"


def test_a_store_that_hangs_at_the_end_costs_what_waits_and_no_more_time(
    captured: Capture, store: Objects, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capturing, "_CLOSE_S", 0.01)
    monkeypatch.setattr(capturing, "_BATCH_SAMPLES", 1)
    store.held.clear()
    for _ in range(3):
        captured.offer(INPUTS, OUTPUTS)
    captured.close()
    assert counted["dropped"] >= 2


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[str, Any]]:
    """A bucket with versions, of a server that speaks S3: its address, and a client."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="pods",
        aws_secret_access_key="of-pods",
    )
    client.create_bucket(Bucket="models")
    yield f"http://{host}:{port}", client
    server.stop()


def _section(endpoint: str, folder: Path) -> dict[str, Any]:
    store = {"bucket": "models", "region": "us-east-1", "endpoint": endpoint, "prefix": "capture/7d/digits"}
    return {"share": 1.0, "sample": {"redact": ["label"]}, "store": store, "folder": str(folder)}


def test_a_server_keeps_what_it_answers_but_the_golden_request(bucket: tuple[str, Any], tmp_path: Path) -> None:
    endpoint, client = bucket
    folder_of_keys(tmp_path)
    (tmp_path / "AWS_ACCESS_KEY_ID").write_text("pods\n")
    (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("of-pods\n")
    config = digits_config(capture=_section(endpoint, tmp_path))
    with running(config, tmp_path) as server:
        body = json.dumps(config["check"]["request"]).encode()
        for _ in range(2):
            assert server.ask("POST", "/predict", body, x_slipway_subject="anna").status == 200
        assert server.ask("POST", "/predict", body).status == 200
        assert server.ask("POST", "/predict", b"{}", x_slipway_subject="anna").status == 400
        server.terminate()
        assert server.process.wait(START_LIMIT_S) == 0
        said = server.log.read_text()
    listed = client.list_objects_v2(Bucket="models")["Contents"]
    there = {one["Key"]: client.get_object(Bucket="models", Key=one["Key"])["Body"].read() for one in listed}
    found = read_all(there)
    mine = digest_of("anna", SECRET)
    assert sorted(who for who, _ in found) == sorted([mine, mine, "none"])
    golden = config["check"]["request"]
    for _, sample in found:
        assert "label" not in sample["outputs"]
        assert sample["model"] == "digits"
        assert set(sample["inputs"]) == set(golden.get("inputs", golden))
    assert "anna" not in said
    assert b"anna" not in b"".join(there.values())


def test_a_store_that_is_away_fails_no_request_and_is_counted(tmp_path: Path) -> None:
    folder_of_keys(tmp_path)
    config = digits_config(capture=_section("http://127.0.0.1:9", tmp_path))
    with running(config, tmp_path) as server:
        body = json.dumps(config["check"]["request"]).encode()
        assert server.ask("POST", "/predict", body).status == 200
        assert server.metric("slipway_capture_samples_total") == 0
        server.terminate()
        assert server.process.wait(START_LIMIT_S) == 0


def test_a_server_without_its_keys_does_not_start_and_says_which(tmp_path: Path) -> None:
    server = start(digits_config(capture=_section("http://127.0.0.1:9", tmp_path)), tmp_path)
    assert server.process.wait(START_LIMIT_S) == 1
    assert f"no sample can be encrypted: {tmp_path / DIGEST} cannot be read" in server.log.read_text()
